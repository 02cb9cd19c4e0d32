"""Finds the user whom an administrator is about to change."""

from dataclasses import dataclass

from admin_svc.audit.author import Author
from admin_svc.users.errors import UserNotFound
from shared.clients.identity import IdentityClient
from shared.contracts.administration import Administrator
from shared.contracts.users import User
from shared.errors import NotFound


@dataclass(frozen=True, slots=True)
class FindSubject:
    """Identity-svc says who both are now, and has the one rule of who may change whom."""

    identity: IdentityClient

    async def __call__(self, author: Author, uid: str) -> User:
        """Raises `UserNotFound`, or `Invalid` with the reason why the author may not."""
        try:
            return await self.identity.subject(Administrator(author.uid or "", author.role), uid)
        except NotFound:
            raise UserNotFound from None
