"""Corrects or judges a user's profile."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from admin_svc.audit.author import Author
from admin_svc.audit.record import RecordAttempt
from admin_svc.directory.keeping.refresh import RefreshUser
from admin_svc.profiles.errors import ProfileNotEditable, SuperadminChange
from admin_svc.users import errors as users
from admin_svc.users.find_subject import FindSubject
from shared.clients.resource import ResourceClient
from shared.errors import Invalid, NotFound

_SUPERADMIN_CHANGE = "admin.user.superadmin_change"


@dataclass(frozen=True, slots=True)
class ChangeProfile:
    """The one profile that is drafted or submitted."""

    resource: ResourceClient
    find_subject: FindSubject
    record: RecordAttempt
    refresh: RefreshUser

    async def __call__(
        self, author: Author, uid: str, written: Mapping[str, Any], state: str | None
    ) -> Mapping[str, Any]:
        """The profile as it is now.

        Raises `ProfileNotEditable`, `SuperadminChange` or `Invalid`.
        """
        await self._find_subject(author, uid)
        wanted = {**written, "state": state}
        async with self.record(author, "profile.updated", uid, wanted) as attempt:
            try:
                before, after = await self.resource.administer_profile(uid, written, state)
            except NotFound:
                raise ProfileNotEditable from None
            attempt.done(before=before, after=after)
        await self.refresh(uid)
        return after

    async def _find_subject(self, author: Author, uid: str) -> None:
        try:
            await self.find_subject(author, uid)
        except users.UserNotFound:
            raise ProfileNotEditable from None
        except Invalid as refusal:
            if refusal.codes == (_SUPERADMIN_CHANGE,):
                raise SuperadminChange from None
            raise
