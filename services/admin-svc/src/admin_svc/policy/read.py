"""Reading the policy."""

from dataclasses import dataclass

from admin_svc.policy import store
from shared.contracts.policy import Policy
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class ReadPolicy:
    """Reads the policy that gateways follow."""

    database: Database

    async def __call__(self, known: int | None = None) -> Policy | None:
        """Every rule in force, with the version that they make together; None for `known`."""
        async with self.database.connection() as connection:
            if known is not None and known == await store.select_version(connection):
                return None
            return await store.select_policy(connection)
