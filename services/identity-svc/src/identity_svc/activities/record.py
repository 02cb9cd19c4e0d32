"""Records what users do and what they are refused."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from identity_svc.activities.deeds import Deed
from identity_svc.activities.reasons import reason_of
from shared.contracts.activities import Activity, Client, Result, recorded
from shared.contracts.events import Event
from shared.database.pool import Connection, Database
from shared.errors import Refusal
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class RecordActivities:
    """Successes are recorded with what was done, refusals though nothing was."""

    database: Database
    outbox: Outbox

    async def success(self, connection: Connection, uid: str, client: Client, deed: Deed) -> None:
        """The user did it, as part of the transaction in which he does."""
        await self.outbox.add(connection, _event(uid, client, deed, "succeed"))

    @asynccontextmanager
    async def refusals(self, uid: str | None, client: Client, deed: Deed) -> AsyncIterator[None]:
        """What the block refuses is noted in a transaction of its own, for the block's is undone.

        Where there is no such user, as much is written, and nothing kept: how long a refusal takes
        tells nobody whom we know.
        """
        try:
            yield
        except Refusal as refusal:
            reason = reason_of(refusal)
            if reason is not None:
                event = _event(uid or "", client, deed, "failed", reason)
                async with self.database.connection() as connection:
                    await self.outbox.add_quietly(connection, event, decoy=uid is None)
            raise


def _event(
    uid: str, client: Client, deed: Deed, result: Result, reason: str | None = None
) -> Event:
    return recorded(
        Activity(
            category="user",
            uid=uid,
            user_ip=str(client.ip),
            user_agent=client.user_agent,
            topic=deed.topic,
            action=deed.action,
            result=result,
            data=json.dumps({"reason": reason}) if reason else None,
        )
    )
