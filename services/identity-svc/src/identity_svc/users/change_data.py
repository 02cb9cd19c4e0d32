"""Gives a user other data."""

from dataclasses import dataclass

from identity_svc.users import store
from identity_svc.users.errors import UserNotFound
from identity_svc.users.events import user_updated
from identity_svc.users.rows import lock_user_by_uid
from identity_svc.users.rules import data_faults
from shared.contracts.users import MAY_ACT, User
from shared.database.pool import Database
from shared.errors import Invalid, UserNotActive
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class ChangeData:
    """The data that the user has already is no change."""

    database: Database
    outbox: Outbox

    async def __call__(self, uid: str, data: str) -> User:
        """The user as he is now; raises `Invalid`, `UserNotFound` or `UserNotActive`."""
        if faults := data_faults(data):
            raise Invalid(faults)
        async with self.database.transaction() as connection:
            user = await lock_user_by_uid(connection, uid)
            if user is None:
                raise UserNotFound
            if user.state not in MAY_ACT:
                raise UserNotActive
            if user.data == data:
                return user
            changed = await store.set_data(connection, uid, data)
            # Data is no part of the record, so there are no old values to tell.
            await self.outbox.add(connection, user_updated(changed, {}))
        return changed
