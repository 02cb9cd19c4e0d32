"""Finds the user whom an administrator is about to change."""

from dataclasses import dataclass

from admin_svc.audit.author import Author
from admin_svc.users.errors import NoAuthority, SuperadminChange, UpdateHimself, UserNotFound
from shared.clients.identity import IdentityClient
from shared.contracts.administration import SUPERADMIN
from shared.contracts.users import User
from shared.errors import NotFound

_ABLE = ("active", "pending")


@dataclass(frozen=True, slots=True)
class FindSubject:
    """Identity-svc says who both are now: the directory, and tokens, may be a moment behind."""

    identity: IdentityClient

    async def __call__(self, author: Author, uid: str) -> User:
        """Raises `UserNotFound`, `UpdateHimself`, `NoAuthority` or `SuperadminChange`."""
        try:
            user = await self.identity.user(uid)
        except NotFound:
            raise UserNotFound from None
        if user.uid == author.uid:
            raise UpdateHimself
        await self._demand_authority(author)
        if user.role == SUPERADMIN and author.role != SUPERADMIN:
            raise SuperadminChange
        return user

    async def _demand_authority(self, author: Author) -> None:
        try:
            now = await self.identity.user(author.uid or "")
        except NotFound:
            raise NoAuthority from None
        if now.role != author.role or now.state not in _ABLE:
            raise NoAuthority
