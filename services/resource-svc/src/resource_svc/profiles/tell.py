"""Tells of a change to a profile, in the transaction that makes it."""

from dataclasses import dataclass

from resource_svc.attachments.events import with_snapshot
from resource_svc.labels.put_private_label import PutPrivateLabel
from resource_svc.profiles import store
from resource_svc.profiles.events import Happening, profile_event
from resource_svc.profiles.profile import Profile
from shared.contracts.events import Record
from shared.contracts.labels import PrivateLabels
from shared.contracts.users import User
from shared.database.pool import Connection
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class TellOfProfile:
    """The event of the change, the label profile:<state>, and what it means for documents.

    Documents that were verified proved another profile than this one.
    """

    outbox: Outbox
    put_private_label: PutPrivateLabel

    async def __call__(
        self,
        connection: Connection,
        happening: Happening,
        profile: Profile,
        user: User,
        changes: Record | None = None,
        *,
        rewritten: bool = True,
    ) -> PrivateLabels:
        """The private labels as they are after it; judged, a profile is not `rewritten`."""
        (profiles,) = await store.sets_of(connection, [profile.uid])
        event = profile_event(happening, profile, user, changes)
        await self.outbox.add(connection, with_snapshot(event, profiles))
        labels = await self.put_private_label.within(connection, user, "profile", profile.state)
        if not rewritten or labels.labels.get("document") != "verified":
            return labels
        return await self.put_private_label.within(connection, user, "document", "replaced")
