"""Reading permissions, page by page."""

from dataclasses import dataclass

from admin_svc.permissions import store
from admin_svc.permissions.record import PermissionRecord
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class ListPermissions:
    """Lists the permissions table."""

    database: Database

    async def __call__(self, limit: int, offset: int) -> tuple[list[PermissionRecord], int]:
        """One page, and how many permissions there are."""
        async with self.database.connection() as connection:
            page = await store.select_page(connection, limit, offset)
            return page, await store.count_permissions(connection)
