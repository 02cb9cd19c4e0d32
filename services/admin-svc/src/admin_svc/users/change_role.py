"""Gives a user another role."""

from dataclasses import dataclass
from functools import partial

from admin_svc.audit.models import Actor
from admin_svc.permissions.use_cases import Permissions
from admin_svc.users.change_user import ChangeUser
from admin_svc.users.errors import RoleDoesNotExist, RoleNoChange
from shared.clients.identity import IdentityClient
from shared.contracts.users import User


@dataclass(frozen=True, slots=True)
class ChangeRole:
    """One of the roles that permissions name."""

    identity: IdentityClient
    permissions: Permissions
    change: ChangeUser

    async def __call__(self, actor: Actor, uid: str, role: str) -> User:
        """The user; raises `RoleDoesNotExist`, `RoleNoChange`, `Invalid` or `UserNotFound`."""
        if not await self.permissions.role_exists(role):
            raise RoleDoesNotExist
        ask = partial(self.identity.change_role, uid=uid, role=role)
        return await self.change(actor, uid, "role", role, ask, RoleNoChange())
