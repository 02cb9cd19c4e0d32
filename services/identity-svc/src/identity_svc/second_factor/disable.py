"""Turns the second factor off."""

from dataclasses import dataclass

from identity_svc.activities.deeds import DISABLE_SECOND_FACTOR
from identity_svc.activities.record import RecordActivities
from identity_svc.second_factor import store
from identity_svc.second_factor.authenticator import Authenticator
from identity_svc.second_factor.errors import NotEnabled
from identity_svc.second_factor.limit_codes import LimitCodes
from identity_svc.users.events import user_updated
from shared.contracts.activities import Client
from shared.contracts.users import User
from shared.database.pool import Connection, Database
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class DisableSecondFactor:
    """Forgets the secret; sessions go on."""

    database: Database
    outbox: Outbox
    limit_codes: LimitCodes
    authenticator: Authenticator
    record: RecordActivities

    async def by_owner(self, uid: str, code: str, client: Client) -> User:
        """Raises `UserNotFound`, `NotEnabled`, `WrongCode`, `UsedCode` or `Throttled`."""
        async with (
            self.limit_codes("otp", uid, client),
            self.record.refusals(uid, client, DISABLE_SECOND_FACTOR),
            self.database.transaction() as connection,
        ):
            await self._lock(connection, uid)
            await self.authenticator.accept(connection, uid, code)
            changed = await self.within(connection, uid)
            await self.record.success(connection, uid, client, DISABLE_SECOND_FACTOR)
        return changed

    async def within(self, connection: Connection, uid: str) -> User:
        """Turns it off for a locked user, without a code."""
        await store.delete_factor(connection, uid)
        changed = await store.set_otp(connection, uid, False)
        await self.outbox.add(connection, user_updated(changed, {"otp": True}))
        return changed

    @staticmethod
    async def _lock(connection: Connection, uid: str) -> None:
        user = await store.lock_user(connection, uid)
        if not user.otp:
            raise NotEnabled
