"""The whole system on this machine, from its start to its end."""

import asyncio
import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from admin_svc import schema as admin_schema
from deploy.local import (
    env_file,
    environment,
    mail_sink,
    ports,
    postgres,
    processes,
    rabbitmq,
    services,
    stack_secrets,
)
from deploy.local.environment import Addresses
from deploy.local.processes import StartError
from deploy.local.services import Running, Service
from deploy.local.stack_secrets import Secrets
from identity_svc import schema as identity_schema
from mailer_svc import schema as mailer_schema
from oauth_svc import schema as oauth_schema
from resource_svc import schema as resource_schema
from shared.database.migrate import MigrationError, migrate
from webhooks_svc import schema as webhooks_schema

_READY_SECONDS = 60
_SCHEMAS = (
    identity_schema,
    resource_schema,
    admin_schema,
    mailer_schema,
    webhooks_schema,
    oauth_schema,
)
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Superadmin:
    """The superadmin, who may do everything before anybody has signed up."""

    email: str
    password: str


@dataclass(frozen=True, slots=True)
class Stack:
    """The system when it is ready."""

    gateway_url: str
    superadmin: Superadmin
    # Whether BARONG_CONSOLE leaves the pages for people on.
    pages: bool
    # Each raises StartError when the part it looks after has ended.
    checks: list[Callable[[], None]]


@contextlib.contextmanager
def running(local: Path, gateway_port: int, say: Callable[[str], None]) -> Iterator[Stack]:
    """Run everything, with its data under `local`, while the context lasts.

    Raises StartError when a part does not start.
    """
    (local / "logs").mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as exits:
        exits.enter_context(processes.owned(local, "the local stack"))
        (local / "stack.env").unlink(missing_ok=True)
        _demand_free(gateway_port)
        yield _Start(local, exits, say).everything(gateway_port)


def _demand_free(port: int) -> None:
    if not ports.is_free(port):
        raise StartError(
            f"port {port} is taken: stop what listens there, or choose another port, "
            f"as in `BARONG_GATEWAY_PORT={port + 1} make run`"
        )


@dataclass(slots=True)
class _Start:
    """The steps of a start; what they begin ends with `exits`, in reverse."""

    local: Path
    exits: contextlib.ExitStack
    say: Callable[[str], None]
    began: float = field(default_factory=time.monotonic)
    checks: list[Callable[[], None]] = field(default_factory=list)
    pending: dict[str, Callable[[], bool]] = field(default_factory=dict)
    commands: list[Running] = field(default_factory=list)

    def everything(self, gateway_port: int) -> Stack:
        """Start all parts and return when they are ready, the slow ones side by side."""
        secrets = stack_secrets.load_or_make(self.local / "secrets.env")
        superadmin = Superadmin(
            email=os.environ.get("BARONG_SUPERADMIN_EMAIL") or "admin@barong.io",
            password=os.environ.get("BARONG_SUPERADMIN_PASSWORD") or secrets.superadmin_password,
        )
        amqp_url = self._given("AMQP_URL") or self._rabbitmq()
        dsn = self._given("DATABASE_URL") or self._postgres()
        mail = mail_sink.server(self.local / "mail", report=self.say)
        smtp_port = self.exits.enter_context(mail)
        addresses = Addresses.choose(gateway_port, smtp_port, amqp_url)
        dsns = _provision(dsn, secrets)
        self._ready("schemas")
        fleet = environment.services(addresses, secrets, dsns)
        self.exits.enter_context(services.ending(self.commands))
        self._serve(fleet, superadmin)
        self._publish(addresses, superadmin, dsn)
        return Stack(addresses.public_url("gateway"), superadmin, "console" in fleet, self.checks)

    def _given(self, variable: str) -> str | None:
        value = os.environ.get(variable)
        if value:
            self.say(f"{variable} is set and used")
        return value

    def _rabbitmq(self) -> str:
        broker = self.exits.enter_context(rabbitmq.starting(self.local / "rabbitmq"))
        self.pending["rabbitmq"] = broker.is_ready
        self.checks.append(lambda: _demand(broker.is_alive(), "RabbitMQ", broker.log))
        return broker.url

    def _postgres(self) -> str:
        folder = self.local / "postgres"
        process, dsn = self.exits.enter_context(postgres.running(folder))
        self._ready("postgresql")
        self.checks.append(
            lambda: _demand(process.poll() is None, "PostgreSQL", folder / "postgres.log")
        )
        return dsn

    def _serve(self, fleet: Mapping[str, Service], superadmin: Superadmin) -> None:
        """Start the services, which wait for RabbitMQ themselves, and seed meanwhile."""
        serving = [self._run(each, "serve") for each in fleet.values()]
        self.pending |= {each.service.name: each.is_ready for each in serving}
        stamp, checksum = self.local / "seeded", self._checksum(fleet["admin"], superadmin)
        if not stamp.exists() or stamp.read_text() != checksum:
            self.pending |= self._seed(fleet, superadmin)
        self._await(self.pending)
        stamp.write_text(checksum)
        self.checks += [each.demand_alive for each in serving]

    def _seed(
        self, fleet: Mapping[str, Service], superadmin: Superadmin
    ) -> dict[str, Callable[[], bool]]:
        first = {
            "BARONG_SUPERADMIN_EMAIL": superadmin.email,
            "BARONG_SUPERADMIN_PASSWORD": superadmin.password,
        }
        return {
            "first superadmin": self._run(fleet["identity"], "seed", **first).is_done,
            "first permissions": self._run(fleet["admin"], "seed").is_done,
        }

    def _checksum(self, admin: Service, superadmin: Superadmin) -> str:
        """Return a checksum of all that seeding depends on: a start saves two programs by it."""
        files = sorted(Path(admin.env["BARONG_CONFIG_DIR"]).glob("*.*"))
        if "BARONG_PERMISSIONS_FILE" in admin.env:
            files.append(Path(admin.env["BARONG_PERMISSIONS_FILE"]))
        # A new database of ours is a new file; of another one we know nothing, and seed each time.
        ours = self.local / "postgres" / "data" / "PG_VERSION"
        database = time.time_ns() if os.environ.get("DATABASE_URL") else ours.stat().st_mtime_ns
        parts = (superadmin, database, *(file.read_bytes() for file in files))
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def _run(self, service: Service, command: str, **more: str) -> Running:
        running = service.run(command, self.local / "logs", self.local, **more)
        self.commands.append(running)
        return running

    def _await(self, conditions: Mapping[str, Callable[[], bool]]) -> None:
        """Return when all `conditions` have been true, saying so of each."""
        pending = dict(conditions)
        deadline = time.monotonic() + _READY_SECONDS
        while pending:
            for part in [part for part, is_met in pending.items() if is_met()]:
                del pending[part]
                self._ready(part)
            if time.monotonic() > deadline:
                waiting = ", ".join(pending)
                raise StartError(f"still waiting for {waiting}: see {self.local / 'logs'}")
            time.sleep(_POLL_SECONDS)

    def _ready(self, part: str) -> None:
        self.say(f"{part:<20} {time.monotonic() - self.began:5.1f} s")

    def _publish(self, addresses: Addresses, superadmin: Superadmin, dsn: str) -> None:
        """Write down, for other programs, what runs where, for as long as it does."""
        file = self.local / "stack.env"
        self.exits.callback(file.unlink, missing_ok=True)
        env_file.write(
            file,
            {
                "GATEWAY_URL": addresses.public_url("gateway"),
                "AMQP_URL": addresses.amqp_url,
                "DATABASE_URL": dsn,
                "SUPERADMIN_EMAIL": superadmin.email,
                "SUPERADMIN_PASSWORD": superadmin.password,
                **{
                    f"{name.upper()}_INTERNAL_URL": addresses.internal_url(name)
                    for name in addresses.internal
                },
                "MAIL_DIR": str(self.local / "mail"),
            },
        )


def _provision(dsn: str, secrets: Secrets) -> dict[str, str]:
    try:
        return asyncio.run(_migrated(dsn, secrets))
    except (
        OSError,
        ValueError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        MigrationError,
    ) as error:
        raise StartError(f"the database cannot be prepared: {error}") from error


async def _migrated(dsn: str, secrets: Secrets) -> dict[str, str]:
    """Return the DSN of each service, whose schema is up to date.

    The services' own `migrate` commands would start five Pythons, more than a second on two cores.
    """
    dsns = await postgres.provision(dsn, secrets.roles)
    await asyncio.gather(
        *(migrate(dsns[schema.SCHEMA], schema.SCHEMA, schema.MIGRATIONS) for schema in _SCHEMAS)
    )
    return dsns


def _demand(is_alive: bool, part: str, log: Path) -> None:
    if not is_alive:
        raise StartError(f"{part} ended, the end of {log}:\n{processes.tail(log)}")
