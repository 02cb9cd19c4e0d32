"""Locks a user whom an administrator is about to change."""

from dataclasses import dataclass

from identity_svc.administration import store
from identity_svc.users.errors import UserNotFound
from shared.contracts.administration import Administrator
from shared.contracts.users import User
from shared.database.pool import Connection
from shared.policy.authority import Authority


@dataclass(frozen=True, slots=True)
class LockSubject:
    """Locks the administrator as well: of two who take each other's power, one comes first."""

    authority: Authority

    async def __call__(
        self, connection: Connection, by: Administrator, uid: str, role: str | None = None
    ) -> User:
        """The user, whom `by` may change, and give a `role`, until the transaction ends.

        Raises `UserNotFound` or what `Authority.demand` raises.
        """
        _, subject = await self.both(connection, by, uid, role)
        return subject

    async def both(
        self, connection: Connection, by: Administrator, uid: str, role: str | None = None
    ) -> tuple[User, User]:
        """The same, behind the administrator."""
        users = await store.lock_users(connection, {by.uid, uid})
        subject, author = users.get(uid), users.get(by.uid)
        if subject is None:
            raise UserNotFound
        return self.authority.demand(by, author, subject, role), subject
