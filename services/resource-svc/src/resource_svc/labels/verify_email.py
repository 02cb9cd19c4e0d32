"""Labels a user whose e-mail was confirmed."""

from dataclasses import dataclass

from resource_svc.labels.put_private_label import PutPrivateLabel
from resource_svc.users.keep_user import KeepUser
from shared.contracts.events import ReceivedEvent
from shared.contracts.users import User
from shared.database.pool import Connection


@dataclass(frozen=True, slots=True)
class VerifyEmail:
    """The reaction to `system.user.email.confirmed`: the private label email:verified.

    The event brings its user along, who may be new here: events come in any order.
    """

    keep_user: KeepUser
    put_private_label: PutPrivateLabel

    async def __call__(self, connection: Connection, event: ReceivedEvent) -> None:
        """Identity-svc learns of a label that is new from the label's own event."""
        user = await self.keep_user.within(connection, User.of(event.snapshot))
        await self.put_private_label.within(connection, user, "email", "verified")
