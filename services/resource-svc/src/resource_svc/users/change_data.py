"""Changes the data that front ends keep of their user."""

from dataclasses import dataclass

from resource_svc.users.keep_user import KeepUser
from shared.clients.identity import IdentityClient
from shared.contracts.users import User


@dataclass(frozen=True, slots=True)
class ChangeData:
    """Identity-svc owns the data, and says what may be in it."""

    identity: IdentityClient
    keep_user: KeepUser

    async def __call__(self, uid: str, data: str) -> User:
        """The user as he is now; raises `Invalid`, `NotFound` or `Unavailable`."""
        return await self.keep_user(await self.identity.change_data(uid, data))
