"""Turns the caller's second factor off."""

from dataclasses import dataclass

from resource_svc.second_factor.errors import NotEnabled, WrongCode
from resource_svc.second_factor.label import LabelSecondFactor
from resource_svc.translated import translated
from shared.clients.identity import IdentityClient
from shared.contracts.activities import Client
from shared.contracts.users import User


@dataclass(frozen=True, slots=True)
class DisableSecondFactor:
    """Identity-svc decides; API keys end by the event."""

    identity: IdentityClient
    label: LabelSecondFactor

    async def __call__(self, uid: str, code: str, client: Client) -> User:
        """The user as he is now, without the label.

        Raises `NotEnabled`, `WrongCode`, `Invalid` with `totp.error`, `Throttled`, `NotFound` or
        `Unavailable`.
        """
        with translated({"otp.not_enabled": NotEnabled, "otp.invalid": WrongCode}):
            user = await self.identity.disable_second_factor(uid, code, client)
        return await self.label.at_once(user)
