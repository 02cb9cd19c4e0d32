"""Locks a user whom nobody changes or erases meanwhile."""

from resource_svc.users import store
from resource_svc.users.errors import UnknownUser, UserErased
from shared.contracts.users import MAY_ACT, User
from shared.database.pool import Connection
from shared.errors import UserNotActive


async def lock_user(connection: Connection, uid: str) -> User:
    """The user as last told of, until the transaction ends; raises `UnknownUser`, `UserErased`.

    Whoever writes something of a user does so under this lock, and takes it before all others:
    an erasure then comes before the write, which finds nobody, or after it, and finds all of it.
    """
    return there(await store.lock_user(connection, uid))


async def lock_actor(connection: Connection, uid: str) -> User:
    """The same for a user who writes something themself; raises `UserNotActive`, too.

    The gateway asked when the call began. Since then the user may have been banned.
    """
    user = await lock_user(connection, uid)
    if user.state not in MAY_ACT:
        raise UserNotActive
    return user


def there(user: User | None) -> User:
    """A user who was looked up; raises `UnknownUser` or `UserErased`."""
    if user is None:
        raise UnknownUser
    if user.erased:
        raise UserErased
    return user
