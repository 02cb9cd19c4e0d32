"""Reading restrictions, page by page."""

from dataclasses import dataclass

from admin_svc.restrictions import store
from admin_svc.restrictions.record import RestrictionRecord
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class ListRestrictions:
    """Lists the restrictions table."""

    database: Database

    async def __call__(
        self, scope: str | None, category: str | None, limit: int, offset: int
    ) -> tuple[list[RestrictionRecord], int]:
        """One page of those of a scope and a category, where given, and how many they are."""
        async with self.database.connection() as connection:
            page = await store.select_page(connection, scope, category, limit, offset)
            return page, await store.count_restrictions(connection, scope, category)
