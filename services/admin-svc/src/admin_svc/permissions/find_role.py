"""Finding out whether there is a role."""

from dataclasses import dataclass

from admin_svc.permissions import store
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class RoleExists:
    """A role exists when a permission names it."""

    database: Database

    async def __call__(self, role: str) -> bool:
        """Whether it does, to the letter."""
        async with self.database.connection() as connection:
            return await store.role_exists(connection, role)
