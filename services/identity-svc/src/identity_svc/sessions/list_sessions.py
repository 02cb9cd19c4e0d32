"""Lists the sessions of a user for another service."""

from dataclasses import dataclass

from identity_svc.sessions import store
from identity_svc.sessions.store import ListedSession
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class ListSessions:
    """The living sessions, the newest first."""

    database: Database

    async def __call__(self, uid: str) -> list[ListedSession]:
        async with self.database.connection() as connection:
            return await store.sessions_of(connection, uid)
