"""Checks a password for another service."""

from dataclasses import dataclass

from identity_svc.passwords.check_password import CheckPassword
from identity_svc.passwords.errors import WrongPassword
from identity_svc.passwords.store import Credentials
from identity_svc.throttling.use_cases import Throttle
from shared.contracts.activities import Client


@dataclass(frozen=True, slots=True)
class VerifyPassword:
    """Attempts are limited for each account and network."""

    throttle: Throttle
    check_password: CheckPassword

    async def __call__(self, uid: str, password: str, client: Client) -> Credentials:
        """Raises `UserNotFound`, `WrongPassword` or `Throttled`."""
        await self.throttle.attempt("password", uid, client)
        right = await self.check_password.by_uid(uid, password)
        if right is None:
            raise WrongPassword
        await self.throttle.succeeded("password", uid, client)
        return right
