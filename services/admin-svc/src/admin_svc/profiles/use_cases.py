"""Correcting and judging profiles, at resource-svc."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from admin_svc.audit.models import Actor
from admin_svc.core import Core
from admin_svc.profiles.models import ProfileNotEditable, SuperadminChange
from admin_svc.users.use_cases import Users
from shared.clients.resource import ResourceClient
from shared.contracts.administration import Administrator, ChangedAttachment
from shared.errors import Invalid, NotFound

_SUPERADMIN_CHANGE = ("admin.user.superadmin_change",)


@dataclass(frozen=True, slots=True)
class Profiles:
    """The one profile of a user that is drafted or submitted."""

    users: Users
    resource: ResourceClient

    async def update(
        self, actor: Actor, uid: str, written: Mapping[str, Any], state: str | None
    ) -> Mapping[str, Any]:
        """Sets fields of a profile, and its state; returns the profile.

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
        changed = await self.users.change_attachment(actor, "profile.updated", uid, wanted, ask)
        return changed.after or {}


def build(core: Core, users: Users) -> Profiles:
    """Wires the feature."""
    return Profiles(users, core.resource)
