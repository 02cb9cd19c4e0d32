"""Corrects or judges a user's profile."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from admin_svc.audit.models import Actor
from admin_svc.profiles.errors import ProfileNotEditable, SuperadminChange
from admin_svc.users.change_attachment import ChangeAttachment
from shared.clients.resource import ResourceClient
from shared.contracts.administration import Administrator, ChangedAttachment
from shared.errors import Invalid, NotFound

_SUPERADMIN_CHANGE = ("admin.user.superadmin_change",)


@dataclass(frozen=True, slots=True)
class ChangeProfile:
    """The one profile that is drafted or submitted."""

    resource: ResourceClient
    change_attachment: ChangeAttachment

    async def __call__(
        self, actor: Actor, uid: str, written: Mapping[str, Any], state: str | None
    ) -> Mapping[str, Any]:
        """The profile as it is now.

        Raises `ProfileNotEditable`, `SuperadminChange` or `Invalid`.
        """

        async def ask(by: Administrator) -> ChangedAttachment:
            try:
                return await self.resource.administer_profile(by, uid, written, state)
            except NotFound:
                raise ProfileNotEditable from None
            except Invalid as refusal:
                raise (
                    SuperadminChange if refusal.codes == _SUPERADMIN_CHANGE else refusal
                ) from None

        wanted = {**written, "state": state}
        changed = await self.change_attachment(actor, "profile.updated", uid, wanted, ask)
        return changed.after or {}
