"""Says whether a password is right, and keeps it as passwords are kept today."""

from dataclasses import dataclass

from identity_svc.passwords import store
from identity_svc.passwords.hasher import PasswordHasher, outdated
from identity_svc.passwords.store import Credentials
from identity_svc.users.errors import UserNotFound
from shared.contracts.users import User
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class CheckedPassword:
    """Whose password was asked for, None where nobody is known, and whether it was right."""

    owner: User | None
    credentials: Credentials | None
    """His credentials, if it was."""


@dataclass(frozen=True, slots=True)
class CheckPassword:
    """A digest that was imported, or made with other parameters, is replaced when it was right.

    Whoever calls limits the attempts.
    """

    database: Database
    hasher: PasswordHasher

    async def by_email(self, email: str, password: str) -> CheckedPassword:
        """After the same time for who is not known and for who is, if the password is wrong."""
        async with self.database.connection() as connection:
            found, bcrypt_cost = await store.credentials_by_email(connection, email)
        right = await self._check(found, password, bcrypt_cost)
        return CheckedPassword(found.user if found else None, right)

    async def by_uid(self, uid: str, password: str) -> Credentials | None:
        """The user if it is his password; raises `UserNotFound`."""
        async with self.database.connection() as connection:
            found = await store.credentials_by_uid(connection, uid)
        if found is None:
            raise UserNotFound
        return await self._check(found, password, None)

    async def _check(
        self, found: Credentials | None, password: str, bcrypt_cost: int | None
    ) -> Credentials | None:
        digest = found.digest if found else None
        if not await self.hasher.verify(digest, password, bcrypt_cost) or found is None:
            return None
        if outdated(found.digest):
            digest = await self.hasher.digest(password)
            async with self.database.connection() as connection:
                await store.replace_digest(connection, found.user.uid, found.digest, digest)
        return found
