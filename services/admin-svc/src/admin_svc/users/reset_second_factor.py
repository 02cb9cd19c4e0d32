"""Turns a user's second factor off."""

from dataclasses import dataclass
from functools import partial

from admin_svc.audit.models import Actor
from admin_svc.users.change_user import ChangeUser
from admin_svc.users.errors import OtpNoChange
from shared.clients.identity import IdentityClient
from shared.contracts.users import User


@dataclass(frozen=True, slots=True)
class ResetSecondFactor:
    """For who lost his authenticator."""

    identity: IdentityClient
    change: ChangeUser

    async def __call__(self, actor: Actor, uid: str) -> User:
        """The user; raises `OtpNoChange`, `Invalid` or `UserNotFound`."""
        ask = partial(self.identity.reset_second_factor, uid=uid)
        return await self.change(actor, uid, "otp", False, ask, OtpNoChange())
