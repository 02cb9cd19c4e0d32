"""Keeps the last active superadmin from deleting their own account."""

from dataclasses import dataclass

from identity_svc.standing.store import lock_standing
from identity_svc.standing.superadmins import demand_another
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class DemandSuccessor:
    """Asked before the account is deleted; of two who ask at once both may be told yes.

    What then comes second is not followed by `ApplyLabels`.
    """

    database: Database

    async def __call__(self, uid: str) -> None:
        """Raises `UserNotFound` or `LastSuperadmin`."""
        async with self.database.transaction() as connection:
            await demand_another(connection, (await lock_standing(connection, uid)).user)
