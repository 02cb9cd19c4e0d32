"""Labels users who have a second factor."""

from dataclasses import dataclass

from resource_svc.labels.apply_labels import ApplyLabels
from resource_svc.labels.put_private_label import PutPrivateLabel
from resource_svc.labels.remove_private_label import RemovePrivateLabel
from resource_svc.users.find_user import FindUser
from resource_svc.users.keep_user import KeepUser
from shared.contracts.events import ReceivedEvent
from shared.contracts.labels import PrivateLabels
from shared.contracts.users import User
from shared.database.pool import Connection, Database

KEY, VALUE = "otp", "enabled"


@dataclass(frozen=True, slots=True)
class LabelSecondFactor:
    """The private label otp:enabled, while the second factor is on.

    The newest that is known of the user decides, so that events may come in any order.
    """

    database: Database
    keep_user: KeepUser
    find_user: FindUser
    put_private_label: PutPrivateLabel
    remove_private_label: RemovePrivateLabel
    apply_labels: ApplyLabels

    async def __call__(self, connection: Connection, event: ReceivedEvent) -> None:
        """The reaction to `model.user.updated`."""
        if "otp" in event.changes:
            await self._within(connection, User.of(event.snapshot))

    async def at_once(self, user: User) -> User:
        """For who turned it on or off just now; the user as he is then.

        Nothing is lost when this fails: the event of the change does the same.
        """
        async with self.database.transaction() as connection:
            labels = await self._within(connection, user)
        await self.apply_labels(labels)
        return await self.find_user(user.uid)

    async def _within(self, connection: Connection, user: User) -> PrivateLabels:
        now = await self.keep_user.within(connection, user)
        if now.otp:
            return await self.put_private_label.within(connection, now, KEY, VALUE)
        return await self.remove_private_label.within(connection, now, KEY)
