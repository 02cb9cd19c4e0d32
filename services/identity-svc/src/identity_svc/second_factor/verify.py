"""Checks a code for another service."""

from dataclasses import dataclass

from identity_svc.activities import deeds
from identity_svc.activities.record import RecordActivities
from identity_svc.second_factor import store
from identity_svc.second_factor.authenticator import Authenticator
from identity_svc.second_factor.limit_codes import LimitCodes
from shared.contracts.activities import Client
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class VerifyCode:
    """A code that is right is used up."""

    database: Database
    limit_codes: LimitCodes
    authenticator: Authenticator
    record: RecordActivities

    async def __call__(self, uid: str, code: str, client: Client) -> None:
        """Raises `NotEnabled`, `WrongCode`, `UsedCode` or `Throttled`."""
        async with (
            self.limit_codes("otp", uid, client),
            self.record.refusals(uid, client, deeds.VERIFY_CODE),
            self.database.transaction() as connection,
        ):
            await store.lock_user(connection, uid)
            await self.authenticator.accept(connection, uid, code)
            await self.record.success(connection, uid, client, deeds.VERIFY_CODE)
