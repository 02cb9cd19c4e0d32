"""The system as real processes, on a PostgreSQL and a RabbitMQ of its own."""

import asyncio
import http.client
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from deploy.local import mail_sink, ports, postgres, rabbitmq
from tests.support.database import TestDatabase, template
from tests.support.seeds import seed
from tests.support.system import NAMES, Installation, installation

_START_SECONDS = 120
_POLL_SECONDS = 0.005

PACKAGES = {
    "identity": "identity_svc",
    "resource": "resource_svc",
    "admin": "admin_svc",
    "gateway": "authz_gateway",
    "mailer": "mailer_svc",
    "webhooks": "webhooks_svc",
    "oauth": "oauth_svc",
    "console": "console_svc",
}


@dataclass(frozen=True, slots=True)
class Bench:
    """A system that is installed; its processes are started one by one."""

    system: Installation
    database: TestDatabase
    folder: Path

    def beside(self) -> "Bench":
        """One more instance of each service, which call each other."""
        return replace(self, system=self.system.beside())

    def with_another_gateway(self) -> "Bench":
        """One more gateway of these services, on ports of its own."""
        public, internal = ports.free_ports(2)
        own = {"BARONG_PORT": str(public), "BARONG_INTERNAL_PORT": str(internal)}
        environment = {**self.system.environments["gateway"], **own}
        system = replace(
            self.system,
            public={**self.system.public, "gateway": public},
            internal={**self.system.internal, "gateway": internal},
            environments={**self.system.environments, "gateway": environment},
        )
        return replace(self, system=system)

    @contextmanager
    def running(self, *names: str) -> Iterator[None]:
        """These services, all by default, as processes that are ready."""
        with ExitStack() as stack:
            for name in names or NAMES:
                stack.enter_context(self.process(name))
            for name in names or NAMES:
                self.wait(name)
            yield

    @contextmanager
    def process(self, name: str) -> Iterator[psutil.Process]:
        """One service as a process that has just been started."""
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", PACKAGES[name], "serve"],
                env={"PATH": os.environ["PATH"], **self.system.environments[name]},
                stdout=log,
                stderr=log,
            )
        try:
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(_START_SECONDS)

    def wait(self, name: str) -> None:
        """Returns when the service says that it is ready."""
        deadline = time.monotonic() + _START_SECONDS
        while not _is_ready(self.system.internal[name]):
            if time.monotonic() > deadline:
                raise TimeoutError((self.folder / f"{name}.log").read_text()[-3000:])
            time.sleep(_POLL_SECONDS)


@contextmanager
def installed(
    report: Callable[[str], None] = lambda _: None, /, **settings: str
) -> Iterator[Bench]:
    """A new system; `settings` go to every service, and `report` is told of each mail."""
    with (
        TemporaryDirectory(prefix="barong-bench-") as name,
        postgres.server(Path(name) / "postgres") as dsn,
        rabbitmq.server(Path(name) / "rabbitmq") as amqp_url,
        mail_sink.server(Path(name) / "mail", report=report) as smtp_port,
    ):
        database = asyncio.run(_prepared(dsn))
        folder = Path(name)
        system = installation(database, amqp_url, folder / "mail", smtp_port, **settings)
        yield Bench(system, database, folder)


async def _prepared(dsn: str) -> TestDatabase:
    database = await template(dsn)
    await seed(database)
    return database


def helper(module: str, *arguments: object) -> list[str]:
    """The command line of a module that measures in a process of its own."""
    return [sys.executable, "-m", f"tests.bench.{module}", *map(str, arguments)]


def output_of(command: Sequence[str]) -> str:
    """What a program prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _is_ready(port: int) -> bool:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    with suppress(OSError, http.client.HTTPException):
        client.request("GET", "/health/ready")
        return client.getresponse().status == http.HTTPStatus.OK
    return False
