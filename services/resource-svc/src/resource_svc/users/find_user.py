"""Finds a user here, or else at identity-svc."""

from dataclasses import dataclass

from resource_svc.users import store
from resource_svc.users.errors import UserErased
from resource_svc.users.keep_user import KeepUser
from shared.clients.identity import IdentityClient
from shared.contracts.users import User
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class FindUser:
    """The replica answers; only a user it has not heard of yet costs a call."""

    database: Database
    identity: IdentityClient
    keep_user: KeepUser

    async def __call__(self, uid: str) -> User:
        """The user.

        Raises `NotFound`, `UserErased`, or `Unavailable` when an absent one cannot be fetched.
        """
        async with self.database.connection() as connection:
            user = await store.user_by_uid(connection, uid)
        if user is not None and user.erased:
            raise UserErased
        return user or await self.keep_user(await self.identity.user(uid))
