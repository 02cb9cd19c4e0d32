"""Gives a user's label another value."""

from dataclasses import dataclass

from admin_svc.audit.author import Author
from admin_svc.audit.record import RecordAttempt
from admin_svc.directory.keeping.refresh import RefreshUser
from admin_svc.labels.errors import LabelNotFound
from admin_svc.users.find_subject import FindSubject
from shared.clients.resource import ResourceClient
from shared.contracts.labels import ChangedLabel
from shared.errors import NotFound


@dataclass(frozen=True, slots=True)
class ChangeLabel:
    """State and level follow from private labels before this answers."""

    resource: ResourceClient
    find_subject: FindSubject
    record: RecordAttempt
    refresh: RefreshUser

    async def __call__(
        self,
        author: Author,
        uid: str,
        scope: str,
        key: str,
        value: str,
        description: str | None,
        *,
        or_add: bool,
    ) -> ChangedLabel:
        """The label before and after; raises what `FindSubject` raises, `LabelNotFound`, `Invalid`.

        One that is not there is added with `or_add`; a description that is None stays.
        """
        await self.find_subject(author, uid)
        wanted = {"scope": scope, "key": key, "value": value, "description": description}
        async with self.record(author, "label.updated", uid, wanted) as attempt:
            try:
                changed = await self.resource.change_label(
                    uid, scope, key, value, description, or_add=or_add
                )
            except NotFound:
                raise LabelNotFound from None
            attempt.done(before=changed.before, after=changed.after)
        await self.refresh(uid)
        return changed
