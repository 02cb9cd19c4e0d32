"""Who may change whom."""

from collections.abc import Mapping

from identity_svc.administration import store
from identity_svc.administration.errors import NoAuthority, SuperadminChange, UpdateHimself
from identity_svc.standing.rules import MAY_LOG_IN
from identity_svc.users.errors import UserNotFound
from shared.contracts.administration import SUPERADMIN, Administrator
from shared.contracts.users import User
from shared.database.pool import Connection


async def lock_subject(
    connection: Connection, by: Administrator, uid: str, role: str | None = None
) -> User:
    """The user, whom `by` may change, and make a `role` of, until the transaction ends.

    The administrator is locked as well: of two who take each other's power, one comes first.
    Raises `UserNotFound`, `UpdateHimself`, `SuperadminChange` or `NoAuthority`.
    """
    return _subject(await store.lock_users(connection, {by.uid, uid}), by, uid, role)


def _subject(users: Mapping[str, User], by: Administrator, uid: str, role: str | None) -> User:
    subject, author = users.get(uid), users.get(by.uid)
    if subject is None:
        raise UserNotFound
    if uid == by.uid:
        raise UpdateHimself
    if author is None or author.role != by.role or author.state not in MAY_LOG_IN:
        raise NoAuthority
    if SUPERADMIN in (subject.role, role) and author.role != SUPERADMIN:
        raise SuperadminChange
    return subject
