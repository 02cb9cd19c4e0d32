"""Records what users do and what they are refused."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from identity_svc.activities.models import Action, reason_of
from identity_svc.core import Core
from shared.contracts.activities import Activity, Client, Result, recorded
from shared.contracts.events import Event
from shared.database.pool import Connection, Database
from shared.errors import Refusal
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class Activities:
    """Records are events, from which admin-svc keeps the audit log."""

    database: Database
    outbox: Outbox

    async def record_success(
        self, connection: Connection, uid: str, client: Client, action: Action
    ) -> None:
        """Records an action in the transaction that carries it out."""
        await self.outbox.add(connection, _event(uid, client, action, "succeed"))

    @asynccontextmanager
    async def record_refusals(
        self, uid: str | None, client: Client, action: Action
    ) -> AsyncIterator[None]:
        """Records what the block refuses, in a transaction of its own: the block's is undone.

        Without a `uid` it writes a decoy that nobody keeps, so the time that a refusal takes does
        not reveal which users exist.
        """
        try:
            yield
        except Refusal as refusal:
            reason = reason_of(refusal)
            if reason is not None:
                event = _event(uid or "", client, action, "failed", reason)
                async with self.database.connection() as connection:
                    await self.outbox.add_quietly(connection, event, decoy=uid is None)
            raise


def build(core: Core) -> Activities:
    """Activities, recorded through the outbox."""
    return Activities(core.database, core.outbox)


def _event(
    uid: str, client: Client, action: Action, result: Result, reason: str | None = None
) -> Event:
    return recorded(
        Activity(
            category="user",
            uid=uid,
            user_ip=str(client.ip),
            user_agent=client.user_agent,
            topic=action.topic,
            action=action.action,
            result=result,
            data=json.dumps({"reason": reason}) if reason else None,
        )
    )
