"""Keeping users as identity-svc tells of them."""

from admin_svc.directory import store
from shared.contracts.events import ReceivedEvent
from shared.contracts.users import User
from shared.database.pool import Connection


async def keep_user(connection: Connection, event: ReceivedEvent) -> None:
    """Keeps the user of `model.user.*`, unless a newer version of him is known already.

    Raises KeyError, TypeError or ValueError for an event without a whole user.
    """
    await store.upsert_user(connection, User.of(event.snapshot))
