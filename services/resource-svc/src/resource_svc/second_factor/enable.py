"""Turns the caller's second factor on."""

from dataclasses import dataclass

from resource_svc.second_factor.errors import AlreadyEnabled, WrongCode
from resource_svc.second_factor.label import LabelSecondFactor
from resource_svc.translated import translated
from shared.clients.identity import IdentityClient
from shared.contracts.activities import Client
from shared.contracts.users import User


@dataclass(frozen=True, slots=True)
class EnableSecondFactor:
    """Identity-svc decides, and ends every session but the one in which this is done."""

    identity: IdentityClient
    label: LabelSecondFactor

    async def __call__(self, uid: str, sid: str | None, code: str, client: Client) -> User:
        """The user as he is now, labelled.

        Raises `AlreadyEnabled`, `WrongCode`, `Invalid` with `totp.error`, `Throttled`, `NotFound`
        or `Unavailable`.
        """
        with translated({"otp.already_enabled": AlreadyEnabled, "otp.invalid": WrongCode}):
            user = await self.identity.enable_second_factor(uid, code, sid, client)
        return await self.label.at_once(user)
