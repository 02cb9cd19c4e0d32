"""Ends the session of a cookie."""

from dataclasses import dataclass

from identity_svc.activities.deeds import LOG_OUT
from identity_svc.activities.record import RecordActivities
from identity_svc.sessions import store
from identity_svc.sessions.errors import NoSession
from identity_svc.sessions.revoke import session_revoked
from shared.contracts.activities import Client
from shared.contracts.sessions import session_key
from shared.database.pool import Database
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class LogOut:
    """Whoever has the cookie may end its session."""

    database: Database
    outbox: Outbox
    record: RecordActivities

    async def __call__(self, cookie: str | None, client: Client) -> None:
        """Raises `NoSession`."""
        if not cookie:
            raise NoSession
        async with self.database.transaction() as connection:
            ended = await store.delete_session(connection, key=session_key(cookie))
            if ended is None:
                raise NoSession
            sid, user = ended
            await self.outbox.add(connection, session_revoked(user, sid))
            await self.record.success(connection, user.uid, client, LOG_OUT)
