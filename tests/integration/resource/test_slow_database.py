"""What callers of resource-svc wait for while its database is slow."""

import asyncio
import time

from tests.support.client import Client
from tests.support.internal import tables_of_resource
from tests.support.system import Installation
from tests.support.waiting import until

_LOCK_SECONDS = 5.0
"""How long a statement waits for a lock."""


async def test_a_call_does_not_wait_for_the_questions_of_all_before_it(
    client: Client, system: Installation
) -> None:
    await client.become_member()
    async with tables_of_resource(system) as tables, tables.transaction():
        await tables.execute("LOCK TABLE data_storages IN ACCESS EXCLUSIVE MODE")

        async def held_up() -> bool:
            return bool(
                await tables.fetchval(
                    "SELECT EXISTS (SELECT FROM pg_locks"
                    " WHERE NOT granted AND relation = 'data_storages'::regclass)"
                )
            )

        first = asyncio.create_task(client.get("resource/users/me"))
        assert await until(held_up)
        began = time.monotonic()
        second = await client.get("resource/users/me")
        waited = time.monotonic() - began
        for answer in (await first, second):
            assert (answer.status, answer.errors) == (503, ["server.unavailable"])
        assert waited < 2 * _LOCK_SECONDS  # and not for two locks
    assert (await client.get("resource/users/me")).status == 200
