"""Demands a code of the user's authenticator."""

from dataclasses import dataclass

from resource_svc.api_keys.errors import SecondFactorDisabled, WrongCode
from resource_svc.translated import translated
from resource_svc.users.find_user import FindUser
from resource_svc.users.keep_user import KeepUser
from shared.clients.identity import IdentityClient
from shared.contracts.activities import Client
from shared.contracts.users import User


@dataclass(frozen=True, slots=True)
class DemandSecondFactor:
    """Identity-svc decides, and counts the attempts."""

    identity: IdentityClient
    find_user: FindUser
    keep_user: KeepUser

    async def __call__(self, uid: str, code: str, client: Client) -> User:
        """The user, whose second factor is on; the code is used up.

        Raises `SecondFactorDisabled`, `WrongCode`, `Invalid` with `totp.error`, `Throttled`,
        `NotFound` or `Unavailable`.
        """
        with translated({"otp.not_enabled": SecondFactorDisabled, "otp.invalid": WrongCode}):
            await self.identity.verify_code(uid, code, client)
        user = await self.find_user(uid)
        if user.otp:
            return user
        return await self.keep_user(await self.identity.user(uid))  # its event is on the way
