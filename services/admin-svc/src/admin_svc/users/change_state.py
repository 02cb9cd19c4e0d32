"""Puts a user into another state."""

from dataclasses import dataclass
from functools import partial

from admin_svc.audit.models import Actor
from admin_svc.users.change_user import ChangeUser
from admin_svc.users.errors import StateNoChange
from shared.clients.identity import IdentityClient
from shared.contracts.users import User


@dataclass(frozen=True, slots=True)
class ChangeState:
    """`locked`, `banned` and `deleted` hold until an administrator sets another state.

    Other states hold until the user's private labels change, which decide anew.
    """

    identity: IdentityClient
    change: ChangeUser

    async def __call__(self, actor: Actor, uid: str, state: str) -> User:
        """The user; raises `StateNoChange`, `Invalid` or `UserNotFound`."""
        ask = partial(self.identity.change_state, uid=uid, state=state)
        return await self.change(actor, uid, "state", state, ask, StateNoChange())
