"""The end of a caller's rights takes effect at every replica of the gateway."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from tests.support.client import Client
from tests.support.database import TestDatabase
from tests.support.gate import Gate
from tests.support.internal import tables_of_identity
from tests.support.replicas import gateways
from tests.support.revocations import REVOCATIONS, Revocation, Subject, log_out, subject_of
from tests.support.system import Installation, installation, started
from tests.support.waiting import HEARD_SECONDS, until

HELD_SECONDS = 5


async def status(http: aiohttp.ClientSession, revocation: Revocation) -> int:
    path = f"/api/v2/barong/{revocation.path}"
    async with http.get(path, headers=revocation.headers()) as got:
        return got.status


async def until_felt(
    replicas: Sequence[aiohttp.ClientSession], revocation: Revocation, seconds: float
) -> None:
    """Returns once each replica answers as expected after the change."""

    async def felt() -> bool:
        answers = await asyncio.gather(*(status(http, revocation) for http in replicas))
        assert set(answers) <= {revocation.before, revocation.after}
        return set(answers) == {revocation.after}

    await until(felt, seconds)


async def sessions_at(
    stack: AsyncExitStack, replicas: Sequence[Installation]
) -> list[aiohttp.ClientSession]:
    return [
        await stack.enter_async_context(
            aiohttp.ClientSession(each.gateway_url, cookie_jar=aiohttp.DummyCookieJar())
        )
        for each in replicas
    ]


@pytest.fixture(scope="module")
async def replicas(system: Installation) -> AsyncIterator[list[aiohttp.ClientSession]]:
    async with gateways(system) as seen, AsyncExitStack() as stack:
        yield await sessions_at(stack, seen)


@pytest.mark.parametrize("name", REVOCATIONS)
async def test_it_takes_effect_at_every_replica(
    replicas: list[aiohttp.ClientSession], client: Client, admin: Client, name: str
) -> None:
    revocation = await REVOCATIONS[name](await subject_of(client, admin))
    for http in replicas:
        assert await status(http, revocation) == revocation.before
    await revocation.make()
    await until_felt(replicas, revocation, HEARD_SECONDS)


async def test_without_the_broker_nothing_is_used_longer_than_it_is_cached(
    database: TestDatabase, new_amqp_url: Callable[[], str], mail_folder: Path, smtp_port: int
) -> None:
    """The change happens while no events arrive, just after the answer was cached."""
    async with AsyncExitStack() as stack:
        rabbitmq = await stack.enter_async_context(Gate.before(new_amqp_url()))
        system = installation(database, rabbitmq.url, mail_folder, smtp_port)
        await rabbitmq.open()
        await stack.enter_async_context(started(system))
        replicas = await sessions_at(
            stack, await stack.enter_async_context(gateways(system, count=2))
        )
        admin = await stack.enter_async_context(Client(system))
        assert (await admin.log_in_as_superadmin()).status == 201
        revocations = []
        for prepare in REVOCATIONS.values():
            browser = await stack.enter_async_context(Client(system))
            revocations.append(await prepare(await subject_of(browser, admin)))
        restriction = {"category": "blacklist", "scope": "ip", "value": "192.0.2.99"}

        async def restricted(http: aiohttp.ClientSession) -> bool:
            headers = {"X-Forwarded-For": "192.0.2.99"}
            async with http.get("/api/v2/barong/identity/time", headers=headers) as got:
                return got.status == 401

        await rabbitmq.shut()
        for revocation in revocations:
            for http in replicas:
                assert await status(http, revocation) == revocation.before
        for revocation in revocations:
            await revocation.make()
        assert (await admin.post("admin/restrictions", restriction)).status == 201
        for http in replicas:
            assert await until(partial(restricted, http), HEARD_SECONDS)
        for revocation in revocations:
            await until_felt(replicas, revocation, 2 * HELD_SECONDS)


async def test_other_gateways_are_notified_without_the_relay(
    system_of_my_own: Installation,
) -> None:
    """No event is published: another process leads identity-svc's relay, and does nothing."""
    system = system_of_my_own
    async with AsyncExitStack() as stack:
        tables = await stack.enter_async_context(tables_of_identity(system))
        await tables.execute("SELECT pg_advisory_lock(hashtextextended('relay:identity', 0))")
        await stack.enter_async_context(started(system, "identity", "resource", "admin", "gateway"))
        [other] = await stack.enter_async_context(gateways(system, count=1))
        client = await stack.enter_async_context(Client(system))
        await client.log_in_as_superadmin()
        [http] = await sessions_at(stack, [other])
        revocation = await log_out(Subject(client, "", client))
        revocation = replace(revocation, path="admin/levels")
        assert await status(http, revocation) == revocation.before
        await revocation.make()
        await until_felt([http], revocation, HEARD_SECONDS)
        assert await tables.fetchval("SELECT count(*) FROM events") == 0
