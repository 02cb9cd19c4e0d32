"""Who may change whom: the one rule, for every change that an administrator makes to a user."""

from dataclasses import dataclass

from identity_svc.administration import store
from identity_svc.administration.errors import (
    HigherRole,
    NoAuthority,
    SuperadminChange,
    UpdateHimself,
)
from identity_svc.administration.ranks import Ranks
from identity_svc.standing.rules import MAY_LOG_IN
from identity_svc.users.errors import UserNotFound
from shared.contracts.administration import SUPERADMIN, Administrator
from shared.contracts.users import User
from shared.database.pool import Connection


@dataclass(frozen=True, slots=True)
class Authority:
    """Administrators change users of lower ranks than their own; superadmins everybody else."""

    ranks: Ranks

    async def lock_subject(
        self, connection: Connection, by: Administrator, uid: str, role: str | None = None
    ) -> User:
        """The user, whom `by` may change, and make a `role` of, until the transaction ends.

        The administrator is locked as well: of two who take each other's power, one comes first.
        Raises `UserNotFound`, `UpdateHimself`, `NoAuthority`, `SuperadminChange` or `HigherRole`.
        """
        users = await store.lock_users(connection, {by.uid, uid})
        subject, author = users.get(uid), users.get(by.uid)
        if subject is None:
            raise UserNotFound
        if uid == by.uid:
            raise UpdateHimself
        if author is None or author.role != by.role or author.state not in MAY_LOG_IN:
            raise NoAuthority
        if author.role == SUPERADMIN:
            return subject
        if SUPERADMIN in (subject.role, role):
            raise SuperadminChange
        if not all(self.ranks.is_above(author.role, each) for each in (subject.role, role) if each):
            raise HigherRole
        return subject
