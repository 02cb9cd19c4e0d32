"""The services as processes on this machine."""

import contextlib
import http.client
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local import ports, processes
from deploy.local.processes import StartError

_STOP_SECONDS = 10
_ASK_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Service:
    """One of the services: its package, the port of its health checks and its environment."""

    name: str
    package: str
    internal_port: int
    env: Mapping[str, str]

    def run(self, command: str, logs: Path, mark: Path, **more: str) -> "Running":
        """Start one of the package's commands, with `more` in its environment."""
        log = logs / (f"{self.name}.log" if command == "serve" else f"{self.name}.{command}.log")
        process = processes.start(
            # Without -P the current folder would be searched for packages first.
            [sys.executable, "-P", "-m", self.package, command],
            mark=mark,
            env={**self.env, **more},
            log=log,
        )
        return Running(self, command, process, log)


@dataclass(frozen=True, slots=True)
class Running:
    """A command of a service while it runs."""

    service: Service
    command: str
    process: subprocess.Popen[bytes]
    log: Path

    def is_done(self) -> bool:
        """Tell whether the command ended well by now; StartError when it failed."""
        if self.process.poll() is None:
            return False
        if self.process.returncode:
            raise self._failure()
        return True

    def demand_alive(self) -> None:
        """Raise StartError when the command ended, well or not."""
        if self.process.poll() is not None:
            raise self._failure()

    def is_ready(self) -> bool:
        """Tell whether the service reports to be ready; StartError when it ended."""
        self.demand_alive()
        client = http.client.HTTPConnection(
            ports.LOOPBACK, self.service.internal_port, timeout=_ASK_SECONDS
        )
        with contextlib.closing(client), contextlib.suppress(OSError, http.client.HTTPException):
            client.request("GET", "/health/ready")
            return client.getresponse().status == http.HTTPStatus.OK
        return False

    def _failure(self) -> StartError:
        return StartError(
            f"{self.service.name} {self.command} ended with {self.process.returncode}, "
            f"the end of {self.log}:\n{processes.tail(self.log)}"
        )


@contextlib.contextmanager
def ending(running: Iterable[Running]) -> Iterator[None]:
    """Stop all that is `running` when the context ends, at the same time."""
    try:
        yield
    finally:
        for each in running:
            if each.process.poll() is None:
                each.process.terminate()
        deadline = time.monotonic() + _STOP_SECONDS
        for each in running:
            processes.stop(each.process, signal.SIGTERM, max(0, deadline - time.monotonic()))
