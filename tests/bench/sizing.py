"""What users, their log-ins and their calls cost each part: memory, processor, disk and WAL."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass

import asyncpg
import psutil

from tests.bench.installed import Bench, installed
from tests.bench.row import Row
from tests.bench.users_me import (
    PRODUCTION,
    cpu_seconds,
    postgres_of,
    rabbitmq_of,
    with_compiled_gateway,
)
from tests.support.barong_export import a_label, a_user, export
from tests.support.client import Client
from tests.support.seeds import command
from tests.support.system import NAMES
from tests.support.waiting import until

IMPORTED = 3000
SIGN_UPS = 60
LOG_INS = 120
CALLS = 3000
CHANGES = 120
_AT_ONCE = 6
_SCHEMAS = ("identity", "resource", "admin", "mailer", "webhooks")
_SETTLE_SECONDS = 300


def rows() -> Iterator[Row]:
    """Processor time and bytes, which do not change when others use the machine as well.

    The services run one by one as in production, the gateway compiled. Everything that an action
    causes is counted: mails, events, the directory, the archive.
    """
    with installed(**PRODUCTION) as made, ExitStack() as stack:
        bench = with_compiled_gateway(made)
        services = {name: stack.enter_context(bench.process(name)) for name in NAMES}
        for name in NAMES:
            bench.wait(name)
        parts = {
            **{name: [process] for name, process in services.items()},
            "PostgreSQL": postgres_of(bench.folder),
            "RabbitMQ": rabbitmq_of(bench.folder),
        }
        yield from _memory("started", parts)
        yield from asyncio.run(_measured(bench, parts))
        yield from _memory("after all of this", parts)


def _memory(when: str, parts: Mapping[str, Sequence[psutil.Process]]) -> Iterator[Row]:
    """Memory that belongs to no other process (USS); PostgreSQL's shared buffers are not in it."""
    for name, processes in parts.items():
        yield Row(f"{name}, {when}: memory", _used(processes) / 2**20, "MiB")


def _used(processes: Sequence[psutil.Process]) -> int:
    return sum(each.memory_full_info().uss for each in _with_children(processes))


async def _measured(bench: Bench, parts: Mapping[str, Sequence[psutil.Process]]) -> list[Row]:
    async with bench.database.connected() as connection:
        meter = Meter(bench, connection, parts)
        await meter.settled()
        found: list[Row] = []
        async with meter.of("an imported user", IMPORTED, found):
            await _import(bench)
        async with meter.of("a sign-up with its confirmation", SIGN_UPS, found):
            members = await _sign_ups(bench)
        try:
            async with meter.of("a log-in", LOG_INS, found):
                await _spread(members, LOG_INS, lambda member: member.log_in())
            async with meter.of("a call of a session", CALLS, found):
                await _spread(members, CALLS, lambda member: member.get("resource/users/me"))
            async with meter.of("a change with an event", CHANGES, found):
                await _spread(members, CHANGES, _change)
        finally:
            for member in members:
                await member.__aexit__(None, None, None)
        return found


@dataclass(frozen=True, slots=True)
class Meter:
    """What a number of actions cost until everything that follows from them is done."""

    bench: Bench
    connection: "asyncpg.Connection[asyncpg.Record]"
    parts: Mapping[str, Sequence[psutil.Process]]

    @asynccontextmanager
    async def of(self, action: str, count: int, found: list[Row]) -> AsyncIterator[None]:
        """Adds the cost of one of `count` actions, which happen in the block."""
        cpu = {name: cpu_seconds(processes) for name, processes in self.parts.items()}
        sizes, position = await self._sizes(), await self._position()
        yield
        await self.settled()
        wal = await self._position() - position
        grown = {name: size - sizes[name] for name, size in (await self._sizes()).items()}
        for name, processes in self.parts.items():
            milliseconds = (cpu_seconds(processes) - cpu[name]) / count * 1000
            found.append(Row(f"{action}: processor, {name}", milliseconds, "ms"))
        found.append(Row(f"{action}: WAL", wal / count, "bytes"))
        for name, size in grown.items():
            if size:
                found.append(Row(f"{action}: schema {name}", size / count, "bytes"))

    async def settled(self) -> None:
        """Returns when every event has been published, and handled by everybody."""

        async def quiet() -> bool:
            before = await self._position()
            await asyncio.sleep(1)
            waiting = 0
            for schema in ("identity", "resource", "admin"):
                waiting += await self.connection.fetchval(
                    f"SELECT count(*) FROM {schema}.outbox WHERE published_at IS NULL"
                )
            return waiting == 0 and await self._position() - before < 20_000

        assert await until(quiet, _SETTLE_SECONDS)

    async def _position(self) -> int:
        return int(await self.connection.fetchval("SELECT pg_current_wal_insert_lsn() - '0/0'"))

    async def _sizes(self) -> Mapping[str, int]:
        """Tables with their indexes."""
        return {
            schema: int(
                await self.connection.fetchval(
                    """
                    SELECT coalesce(sum(pg_total_relation_size(oid)), 0)
                    FROM pg_class
                    WHERE relnamespace = $1::text::regnamespace
                      AND relkind = 'r'
                    """,
                    schema,
                )
            )
            for schema in _SCHEMAS
        }


async def _import(bench: Bench) -> None:
    users = [a_user() for _ in range(IMPORTED)]
    folder = export(bench.folder / "export", users, [a_label(user) for user in users])
    await command(
        "identity_svc", "import-users", bench.system.environments["identity"], str(folder)
    )


async def _sign_ups(bench: Bench) -> list[Client]:
    members = [Client(bench.system) for _ in range(SIGN_UPS)]
    for member in members:
        await member.__aenter__()

    async def complete(member: Client) -> None:
        answer = await member.become_member()
        assert answer.status == 201, answer

    await _spread(members, SIGN_UPS, complete)
    return members


async def _change(member: Client) -> None:
    form = {"key": f"colour-{secrets.token_hex(4)}", "value": "blue"}
    answer = await member.post("resource/labels", form)
    assert answer.status == 201, answer


async def _spread(
    members: Sequence[Client], count: int, action: Callable[[Client], Awaitable[object]]
) -> None:
    """`count` actions of these members, some at once; each member does one after the other."""
    places = asyncio.Semaphore(_AT_ONCE)

    async def one_after_the_other(member: Client, times: int) -> None:
        for _ in range(times):
            async with places:
                await action(member)

    async with asyncio.TaskGroup() as group:
        for member in members:
            group.create_task(one_after_the_other(member, count // len(members)))


def _with_children(processes: Sequence[psutil.Process]) -> Iterator[psutil.Process]:
    for process in processes:
        yield process
        yield from process.children(recursive=True)
