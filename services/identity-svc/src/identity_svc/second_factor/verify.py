"""Checks a code for another service."""

from dataclasses import dataclass

from identity_svc.second_factor.authenticator import Authenticator
from identity_svc.throttling.throttle import Throttle
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class VerifyCode:
    """A code that is right is used up."""

    database: Database
    throttle: Throttle
    authenticator: Authenticator

    async def __call__(self, uid: str, code: str) -> None:
        """Raises `NotEnabled`, `WrongCode`, `UsedCode` or `Throttled`."""
        await self.throttle.attempt("otp", uid, None)
        async with self.database.transaction() as connection:
            await self.authenticator.accept(connection, uid, code)
        await self.throttle.succeeded("otp", uid, None)
