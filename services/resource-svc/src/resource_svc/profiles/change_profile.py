"""Changes the draft of a profile."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from resource_svc.labels.apply_labels import ApplyLabels
from resource_svc.profiles import rules, store
from resource_svc.profiles.events import changes_between
from resource_svc.profiles.profile import SUBMITTED, Profile
from resource_svc.profiles.tell import TellOfProfile
from resource_svc.users.transactions import UserTransactions


@dataclasses.dataclass(frozen=True, slots=True)
class ChangeProfile:
    """A change by the user himself, who may submit his draft; nothing is told of no change."""

    transactions: UserTransactions
    tell: TellOfProfile
    apply_labels: ApplyLabels

    async def __call__(self, uid: str, written: Mapping[str, Any], *, confirm: bool) -> Profile:
        """The profile as it is now; raises `ProfileNotEditable` or `Invalid`."""
        async with self.transactions.of_actor(uid) as (connection, user):
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
