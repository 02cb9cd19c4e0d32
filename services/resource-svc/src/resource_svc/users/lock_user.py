"""Finds a user whom nobody changes or erases meanwhile."""

from resource_svc.users import store
from resource_svc.users.errors import UserErased
from shared.contracts.users import User
from shared.database.pool import Connection
from shared.errors import NotFound


async def lock_user(connection: Connection, uid: str) -> User:
    """The user as he was last told of, until the transaction ends; raises `NotFound`, `UserErased`.

    Whoever writes something of a user does so under this lock, and takes it before all others:
    an erasure then comes before the write, which finds nobody, or after it, and finds all of it.
    """
    user = await store.lock_user(connection, uid)
    if user is None:
        raise NotFound
    if user.erased:
        raise UserErased
    return user
