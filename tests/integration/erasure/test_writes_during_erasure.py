"""Nothing that is written about a user during their erasure remains."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import Any

import aiohttp
import asyncpg
import pytest

from shared.clients.resource import ResourceClient
from shared.contracts.administration import Administrator
from shared.contracts.services import IDENTITY
from shared.errors import NotFound
from tests.integration.erasure.test_erasure import DAYS, erasing, forgotten, unexpected
from tests.integration.resource.test_documents import A_PNG, FULL, form_of
from tests.support.client import Client
from tests.support.doomed import Doomed, delete_account, doomed
from tests.support.internal import resource_of, superadmin_of, tables_of_resource
from tests.support.system import Installation
from tests.support.waiting import until

BY_HIMSELF: Sequence[Sequence[tuple[str, str, dict[str, str] | None]]] = (
    (
        ("POST", "labels", {"key": "fresh", "value": "made"}),
        ("PATCH", "labels/{label_key}", {"value": "changed"}),
        ("DELETE", "labels/{label_key}", {}),
        ("POST", "profiles", {"first_name": "Ann"}),
        ("PUT", "profiles", {"first_name": "Ann"}),
    ),
    (
        ("POST", "phones", {"phone_number": "+4915112345678"}),
        ("POST", "phones/send_code", {"phone_number": "+{phone}"}),
        ("POST", "data_storage", {"title": "company", "data": "[]"}),
        ("POST", "documents", None),
    ),
)


def by_others(resource: ResourceClient, by: Administrator, uid: str) -> Sequence[Awaitable[Any]]:
    """What administrators change."""
    return (
        resource.add_label(by, uid, "public", "watched", "closely", None),
        resource.change_label(by, uid, "private", "email", "doubted", None, or_add=False),
        resource.change_label(by, uid, "private", "trusted", "fully", None, or_add=True),
        resource.delete_label(by, uid, "private", "email"),
        resource.administer_profile(by, uid, {}, "verified"),
        resource.delete_data_storage(by, uid, "personal"),
    )


@contextlib.asynccontextmanager
async def held_up(
    tables: "asyncpg.Connection[asyncpg.Record]", statement: str, uid: str
) -> AsyncIterator[None]:
    """Whoever wants a row of the statement waits until the block ends; nothing changes."""
    transaction = tables.transaction()
    await transaction.start()
    try:
        await tables.execute(statement, uid)
        yield
    finally:
        await transaction.rollback()


@contextlib.asynccontextmanager
async def erasure_under_way(system: Installation, uid: str) -> AsyncIterator[None]:
    """An erasure of which all is done but its last statements; it goes on when the block ends."""
    statement = "INSERT INTO pending_uploads (key) SELECT upload FROM documents WHERE uid = $1"
    async with tables_of_resource(system) as tables, held_up(tables, statement, uid):
        async with erasing(system):
            await until(lambda: waiting(system, 1), 60)
        yield


async def waiting(system: Installation, number: int) -> bool:
    """Whether so many of resource-svc's transactions wait for a lock."""
    async with tables_of_resource(system) as tables:
        found = await tables.fetchval(
            """
            SELECT count(*)
            FROM pg_stat_activity
            WHERE datname = current_database()
              AND application_name = 'resource-svc'
              AND wait_event_type = 'Lock'
            """
        )
    return bool(found >= number)


async def under_way(system: Installation, writes: Sequence["asyncio.Task[Any]"]) -> None:
    """Returns when each write is done or waits, as the erasure does."""

    async def all_are() -> bool:
        return await waiting(system, 1 + sum(not write.done() for write in writes))

    await until(all_are, 60)


async def test_an_administrators_write_does_not_outlive_an_erasure(
    client: Client, system: Installation
) -> None:
    somebody = await doomed(client)
    await delete_account(client, system, somebody.uid, DAYS + 1)
    by = await superadmin_of(system)
    async with resource_of(system) as admin, resource_of(system, IDENTITY) as identity:
        async with erasure_under_way(system, somebody.uid):
            awaitables = (
                *by_others(admin, by, somebody.uid),
                identity.put_private_label(somebody.uid, "email", "again"),
            )
            writes = [asyncio.ensure_future(each) for each in awaitables]
            await under_way(system, writes)
        outcomes = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [NotFound] * len(outcomes)
    await forgotten(system, somebody)
    assert await unexpected(system, somebody.uid) == set()


@pytest.mark.parametrize("calls", BY_HIMSELF, ids=["labels and profiles", "phones and the rest"])
async def test_a_users_own_write_does_not_outlive_his_erasure(
    client: Client, system: Installation, calls: Sequence[tuple[str, str, dict[str, str] | None]]
) -> None:
    somebody = await doomed(client)
    await client.log_in()
    bearer = await client.upstream_bearer()  # for services, it outlives its session
    await delete_account(client, system, somebody.uid, DAYS + 1)
    base, headers = system.public_url("resource"), {"Authorization": bearer}
    async with aiohttp.ClientSession(base, headers=headers) as http:
        async with erasure_under_way(system, somebody.uid):
            writes = [asyncio.create_task(_status(http, somebody, *call)) for call in calls]
            await under_way(system, writes)
        assert await asyncio.gather(*writes) == [404] * len(calls)
    await forgotten(system, somebody)
    assert await unexpected(system, somebody.uid) == set()


async def _status(
    http: aiohttp.ClientSession, user: Doomed, verb: str, path: str, form: dict[str, str] | None
) -> int:
    names = user.markers
    data = form_of(FULL, [A_PNG])
    if form is not None:
        data = {name: value.format_map(names) for name, value in form.items()}
    url = f"/api/v2/resource/{path.format_map(names)}"
    async with http.request(verb, url, data=data) as answer:
        return answer.status


async def test_an_erasure_waits_for_a_write_that_came_first(
    client: Client, system: Installation
) -> None:
    somebody = await doomed(client)
    await delete_account(client, system, somebody.uid, DAYS + 1)
    statement = "INSERT INTO labels (uid, scope, key, value) VALUES ($1, 'public', 'watched', '')"
    by = await superadmin_of(system)
    async with resource_of(system) as admin, tables_of_resource(system) as tables:
        async with held_up(tables, statement, somebody.uid):
            label = ("public", "watched", "closely", "says somebody")
            write = asyncio.ensure_future(admin.add_label(by, somebody.uid, *label))
            await until(lambda: waiting(system, 1), 60)
            async with erasing(system):
                await until(lambda: waiting(system, 2), 60)
        assert (await write).after is not None

    await forgotten(system, somebody)
    assert await unexpected(system, somebody.uid) == set()
