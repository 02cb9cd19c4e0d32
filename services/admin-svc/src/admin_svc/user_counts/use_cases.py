"""Counting users."""

from collections.abc import Mapping
from dataclasses import dataclass

from admin_svc.core import Core
from admin_svc.folding import fold_all, fold_repeatedly
from admin_svc.user_counts import store
from admin_svc.user_counts.models import CountedUsers, Weeks
from shared.database.pool import Connection, Database


@dataclass(frozen=True, slots=True)
class UserCounts:
    """Reads counts that triggers keep, and folds the changes that triggers append.

    A count is right at any time: it adds the changes that are not folded yet. Folding keeps these
    few. One process folds at a time; the others have nothing to do.
    """

    database: Database

    async def count(self, connection: Connection, users: CountedUsers, weeks: Weeks) -> int:
        """The number of users in these weeks."""
        return await store.count(connection, users, weeks)

    async def tally(self, connection: Connection, name: str) -> int:
        """The number of users with a facet that is tallied, or of all `profiles`."""
        return await store.tally(connection, name)

    async def label_facets(self, scope: str) -> Mapping[str, int]:
        """The number of users with each label of a scope, by facet, in order."""
        async with self.database.connection() as connection:
            return await store.label_facets(connection, scope)

    async def run(self) -> None:
        """Folds every two seconds; raises `Unavailable` when PostgreSQL goes away."""
        await fold_repeatedly(self.fold)

    async def fold(self) -> None:
        """Folds everything that is there now."""
        await fold_all(self.database, "fold counts", store.fold)


def build(core: Core) -> UserCounts:
    """Wires the feature."""
    return UserCounts(core.database)
