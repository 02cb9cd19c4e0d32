"""Reading the state of all users from its owners, page by page."""

from collections.abc import Sequence
from dataclasses import dataclass

from admin_svc.core import Core
from admin_svc.snapshots.models import UserSnapshot
from shared.clients.identity import IdentityClient
from shared.clients.resource import ResourceClient
from shared.contracts.attachments import AttachmentSnapshot


@dataclass(frozen=True, slots=True)
class Snapshots:
    """The owners are called, not the directory: the directory may lag behind published events.

    So everything that was published before a page was requested is in the page, maybe in a newer
    version. A subscriber whose queue existed before misses nothing.
    """

    identity: IdentityClient
    resource: ResourceClient

    async def list_users(self, after: str, limit: int) -> Sequence[UserSnapshot]:
        """The next users in the order of their uids; raises `Unavailable`."""
        users = await self.identity.users_after(after, limit)
        sets: dict[str, list[AttachmentSnapshot]] = {user.uid: [] for user in users}
        if users:
            for each in await self.resource.attachment_snapshots(list(sets)):
                sets[each.uid].append(each)
        return [UserSnapshot(user, sets[user.uid]) for user in users]


def build(core: Core) -> Snapshots:
    """Wires the feature."""
    return Snapshots(core.identity, core.resource)
