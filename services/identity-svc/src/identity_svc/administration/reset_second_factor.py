"""Turns a user's second factor off for him."""

from dataclasses import dataclass

from identity_svc.administration.lock_subject import LockSubject
from identity_svc.second_factor.disable import DisableSecondFactor
from shared.contracts.administration import Administrator, ChangedUser
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class ResetSecondFactor:
    """Without a code, for who lost his authenticator."""

    database: Database
    lock_subject: LockSubject
    disable: DisableSecondFactor

    async def __call__(self, by: Administrator, uid: str) -> ChangedUser:
        """Raises what `LockSubject` raises."""
        async with self.database.transaction() as connection:
            before = await self.lock_subject(connection, by, uid)
            if not before.otp:
                return ChangedUser(before, before)
            return ChangedUser(before, await self.disable.within(connection, uid))
