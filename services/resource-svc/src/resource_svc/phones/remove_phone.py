"""Removes a phone."""

from dataclasses import dataclass

from resource_svc.labels.apply_labels import ApplyLabels
from resource_svc.labels.remove_private_label import RemovePrivateLabel
from resource_svc.phones import store
from resource_svc.phones.number import PhoneNumber
from resource_svc.phones.tell import tell
from resource_svc.users.find_user import FindUser
from resource_svc.users.lock_user import lock_user
from resource_svc.users.store import lock_user as lock_owner
from shared.contracts.labels import PrivateLabels
from shared.contracts.users import User
from shared.database.pool import Connection, Database
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class RemovePhone:
    """The number is free for everybody again; with the last verified one goes phone:verified."""

    database: Database
    outbox: Outbox
    find_user: FindUser
    remove_private_label: RemovePrivateLabel
    apply_labels: ApplyLabels

    async def __call__(self, uid: str, text: str) -> None:
        """Raises `InvalidNumber`, `UnknownPhone`, `NotFound` or `Unavailable`."""
        number = PhoneNumber.parse(text)
        await self.find_user(uid)
        async with self.database.transaction() as connection:
            user = await lock_user(connection, uid)
            labels = await self._remove(connection, user, number.digits)
        if labels is not None:
            await self.apply_labels(labels)

    async def of_deleted_owner(self, connection: Connection, number: str) -> None:
        """Takes a verified number from an account that is deleted; part of a transaction under way.

        Comes after the lock on the user who wants the number. A deleted user wants none, so that
        no two wait for each other. identity-svc hears of the label by its event.
        """
        uid = await store.owner_of(connection, number)
        owner = await lock_owner(connection, uid) if uid else None
        if owner is not None and owner.state == "deleted":
            await self._remove(connection, owner, number)

    async def _remove(
        self, connection: Connection, user: User, number: str
    ) -> PrivateLabels | None:
        """The user's private labels where one of them went with the phone."""
        await store.count_change(connection, user.uid)
        phone = await store.delete_phone(connection, user.uid, number)
        await tell(connection, self.outbox, "deleted", phone, user)
        if phone.validated_at is None or await store.has_verified(connection, user.uid):
            return None
        return await self.remove_private_label.within(connection, user, "phone", only="verified")
