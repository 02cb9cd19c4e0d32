"""Deletes a user's label."""

from dataclasses import dataclass

from admin_svc.audit.author import Author
from admin_svc.audit.record import RecordAttempt
from admin_svc.directory.keeping.refresh import RefreshUser
from admin_svc.labels.errors import LabelNotFound
from admin_svc.users.find_subject import FindSubject
from shared.clients.resource import ResourceClient
from shared.errors import NotFound


@dataclass(frozen=True, slots=True)
class DeleteLabel:
    """State and level follow from private labels before this answers."""

    resource: ResourceClient
    find_subject: FindSubject
    record: RecordAttempt
    refresh: RefreshUser

    async def __call__(self, author: Author, uid: str, scope: str, key: str) -> None:
        """Raises what `FindSubject` raises, or `LabelNotFound`."""
        await self.find_subject(author, uid)
        wanted = {"scope": scope, "key": key}
        async with self.record(author, "label.deleted", uid, wanted) as attempt:
            try:
                changed = await self.resource.delete_label(uid, scope, key)
            except NotFound:
                raise LabelNotFound from None
            attempt.done(before=changed.before, after=None)
        await self.refresh(uid)
