"""Ends the sessions of a browser's cookies."""

from collections.abc import Sequence
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
    """Whoever has the cookie may end its session.

    Of several cookies all sessions end: any that went on would leave the browser logged in.
    """

    database: Database
    outbox: Outbox
    record: RecordActivities

    async def __call__(self, cookies: Sequence[str], client: Client) -> None:
        """Raises `NoSession` when none of the cookies is a living session's."""
        if not cookies:
            raise NoSession
        async with self.database.transaction() as connection:
            ended = [
                session
                for key in sorted(map(session_key, cookies))  # one order for all who lock rows
                if (session := await store.delete_session(connection, key=key)) is not None
            ]
            if not ended:
                raise NoSession
            for sid, user in ended:
                await self.outbox.add(connection, session_revoked(user, sid))
                await self.record.success(connection, user.uid, client, LOG_OUT)
