"""Changes the draft of a profile."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from resource_svc.labels.apply_labels import ApplyLabels
from resource_svc.profiles import rules, store
from resource_svc.profiles.events import changes_between
from resource_svc.profiles.profile import SUBMITTED, Profile
from resource_svc.profiles.tell import TellOfProfile
from resource_svc.users.find_user import FindUser
from resource_svc.users.lock_user import lock_actor
from shared.database.pool import Database


@dataclasses.dataclass(frozen=True, slots=True)
class ChangeProfile:
    """A change by the user himself, who may submit his draft; nothing is told of no change."""

    database: Database
    find_user: FindUser
    tell: TellOfProfile
    apply_labels: ApplyLabels

    async def __call__(self, uid: str, written: Mapping[str, Any], *, confirm: bool) -> Profile:
        """The profile as it is now; raises `ProfileNotEditable` or `Invalid`."""
        await self.find_user(uid)
        async with self.database.transaction() as connection:
            user = await lock_actor(connection, uid)
            version = await store.next_version(connection, uid)
            draft = await store.draft_of(connection, uid)
            rules.check(written)
            wanted = dataclasses.replace(
                draft, **written, state=SUBMITTED if confirm else draft.state
            )
            if wanted == draft:
                return draft
            profile = await store.update_profile(connection, wanted, version)
            changes = changes_between(draft, profile)
            labels = await self.tell(connection, "updated", profile, user, changes)
        await self.apply_labels(labels)
        return profile
