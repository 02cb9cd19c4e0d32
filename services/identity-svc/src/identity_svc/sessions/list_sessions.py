"""Lists the sessions of a user for another service."""

from collections.abc import Sequence
from dataclasses import dataclass

from identity_svc.sessions import store
from identity_svc.sessions.store import ListedSession
from shared.database.pool import Database
from shared.web.pagination import PageForm


@dataclass(frozen=True, slots=True)
class ListSessions:
    """One page of the living ones, the newest first."""

    database: Database

    async def __call__(self, uid: str, page: PageForm) -> tuple[Sequence[ListedSession], int]:
        """The sessions of the page, and how many there are; none of a user nobody knows."""
        async with self.database.connection() as connection:
            sessions = await store.sessions_of(connection, uid, *page.window)
            return sessions, await store.number_of_sessions(connection, uid)
