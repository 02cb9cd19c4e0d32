"""Ends sessions, and tells every gateway so."""

import uuid
from dataclasses import dataclass

from identity_svc.sessions import store
from shared.contracts.events import Event
from shared.contracts.users import User
from shared.database.pool import Connection, Database
from shared.messaging.outbox import Outbox


def session_revoked(user: User, sid: str | None) -> Event:
    """A session of a user ended, or all of them: then there is no sid."""
    return Event(name="system.session.revoked", record={"user": user.event_record(), "sid": sid})


async def all_sessions(
    connection: Connection, outbox: Outbox, user: User, *, but: uuid.UUID | None = None
) -> None:
    """Ends every session of a user, or all `but` one, in the transaction of what forbids them.

    Gateways forget the one that goes on as well, and ask for it again.
    """
    if await store.delete_sessions_of(connection, user.uid, but):
        await outbox.add(connection, session_revoked(user, None))


@dataclass(frozen=True, slots=True)
class RevokeSession:
    """Ends one session for another service."""

    database: Database
    outbox: Outbox

    async def __call__(self, sid: uuid.UUID, *, uid: str | None = None) -> bool:
        """Whether there was such a session, of the user `uid` if one is named."""
        async with self.database.transaction() as connection:
            ended = await store.delete_session(connection, sid=sid, uid=uid)
            if ended is None:
                return False
            await self.outbox.add(connection, session_revoked(ended[1], str(sid)))
        return True
