"""Turns the second factor off."""

from dataclasses import dataclass

from identity_svc.second_factor import store
from identity_svc.second_factor.authenticator import Authenticator
from identity_svc.second_factor.errors import NotEnabled
from identity_svc.throttling.throttle import Throttle
from identity_svc.users.events import user_updated
from shared.contracts.users import User
from shared.database.pool import Connection, Database
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class DisableSecondFactor:
    """Forgets the secret; sessions go on."""

    database: Database
    outbox: Outbox
    throttle: Throttle
    authenticator: Authenticator

    async def by_owner(self, uid: str, code: str) -> User:
        """Raises `UserNotFound`, `NotEnabled`, `WrongCode`, `UsedCode` or `Throttled`."""
        await self.throttle.attempt("otp", uid, None)
        async with self.database.transaction() as connection:
            await self._lock(connection, uid)
            await self.authenticator.accept(connection, uid, code)
            changed = await self._turn_off(connection, uid)
        await self.throttle.succeeded("otp", uid, None)
        return changed

    async def by_administrator(self, uid: str) -> User:
        """Without a code, for who lost his authenticator; raises `UserNotFound`, `NotEnabled`."""
        async with self.database.transaction() as connection:
            await self._lock(connection, uid)
            return await self._turn_off(connection, uid)

    @staticmethod
    async def _lock(connection: Connection, uid: str) -> None:
        user = await store.lock_user(connection, uid)
        if not user.otp:
            raise NotEnabled

    async def _turn_off(self, connection: Connection, uid: str) -> User:
        await store.delete_factor(connection, uid)
        changed = await store.set_otp(connection, uid, False)
        await self.outbox.add(connection, user_updated(changed, {"otp": True}))
        return changed
