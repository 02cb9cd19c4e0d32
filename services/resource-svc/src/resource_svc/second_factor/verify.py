"""Checks a code of the caller's authenticator."""

from dataclasses import dataclass

from resource_svc.second_factor.errors import NothingToVerify, WrongCode
from resource_svc.translated import translated
from shared.clients.identity import IdentityClient
from shared.contracts.activities import Client


@dataclass(frozen=True, slots=True)
class VerifyCode:
    """A code that is right is used up."""

    identity: IdentityClient

    async def __call__(self, uid: str, code: str, client: Client) -> None:
        """Raises `NothingToVerify`, `WrongCode`, `Invalid` with `totp.error`, or `Throttled`."""
        with translated({"otp.not_enabled": NothingToVerify, "otp.invalid": WrongCode}):
            await self.identity.verify_code(uid, code, client)
