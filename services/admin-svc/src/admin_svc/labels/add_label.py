"""Adds a label for a user."""

from dataclasses import dataclass

from admin_svc.audit.author import Author
from admin_svc.audit.record import RecordAttempt
from admin_svc.directory.keeping.refresh import RefreshUser
from admin_svc.users.errors import UserNotFound
from admin_svc.users.find_subject import FindSubject
from shared.clients.resource import ResourceClient
from shared.contracts.labels import ChangedLabel
from shared.errors import NotFound


@dataclass(frozen=True, slots=True)
class AddLabel:
    """State and level follow from private labels before this answers."""

    resource: ResourceClient
    find_subject: FindSubject
    record: RecordAttempt
    refresh: RefreshUser

    async def __call__(
        self, author: Author, uid: str, scope: str, key: str, value: str, description: str | None
    ) -> ChangedLabel:
        """The new label; raises what `FindSubject` raises, or `Invalid`."""
        await self.find_subject(author, uid)
        wanted = {"scope": scope, "key": key, "value": value, "description": description}
        async with self.record(author, "label.created", uid, wanted) as attempt:
            try:
                changed = await self.resource.add_label(uid, scope, key, value, description)
            except NotFound:
                raise UserNotFound from None
            attempt.done(before=None, after=changed.after)
        await self.refresh(uid)
        return changed
