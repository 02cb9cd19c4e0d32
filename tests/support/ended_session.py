"""A call whose session ends after the gateway let it through, and before it is carried out."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from tests.support.client import Answer, Client
from tests.support.internal import tables_of_identity
from tests.support.waiting import until


async def answer_of_an_ended_session(
    client: Client, uid: str, call: Coroutine[Any, Any, Answer]
) -> Answer:
    """The answer of a call that waits for its user's row while all sessions of the user end."""
    async with (
        tables_of_identity(client.system) as tables,
        tables_of_identity(client.system) as watcher,
    ):
        async with tables.transaction():
            await tables.fetch("SELECT FROM users WHERE uid = $1 FOR UPDATE", uid)
            pid = await tables.fetchval("SELECT pg_backend_pid()")
            calling = asyncio.create_task(call)

            async def waits() -> bool:
                return bool(
                    await watcher.fetchval(
                        "SELECT count(*) FROM pg_stat_activity"
                        " WHERE $1 = ANY (pg_blocking_pids(pid))",
                        pid,
                    )
                )

            await until(waits)
            await tables.execute("DELETE FROM sessions WHERE uid = $1", uid)
        return await calling
