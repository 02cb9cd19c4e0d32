"""Finds a user whom no event changes meanwhile."""

from resource_svc.users import store
from shared.contracts.users import User
from shared.database.pool import Connection
from shared.errors import NotFound


async def lock_user(connection: Connection, uid: str) -> User:
    """The user as he was last told of, until the transaction ends; raises `NotFound`.

    For what is decided by a user's standing, and must not be while that changes.
    """
    user = await store.lock_user(connection, uid)
    if user is None or user.erased:
        raise NotFound
    return user
