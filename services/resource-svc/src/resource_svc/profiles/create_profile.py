"""Creates a profile."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from resource_svc.labels.apply_labels import ApplyLabels
from resource_svc.profiles import rules, store
from resource_svc.profiles.profile import DRAFTED, SUBMITTED, Profile
from resource_svc.profiles.tell import TellOfProfile
from resource_svc.users.transactions import UserTransactions


@dataclass(frozen=True, slots=True)
class CreateProfile:
    """A profile that its user writes, and may submit at once."""

    transactions: UserTransactions
    tell: TellOfProfile
    apply_labels: ApplyLabels

    async def __call__(self, uid: str, written: Mapping[str, Any], *, confirm: bool) -> Profile:
        """The new profile; raises `Invalid` or `ProfileExists`."""
        rules.check(written)
        state = SUBMITTED if confirm else DRAFTED
        async with self.transactions.of_actor(uid) as (connection, user):
            version = await store.next_version(connection, uid)
            profile = await store.insert_profile(connection, uid, version, state, written)
            labels = await self.tell(connection, "created", profile, user)
        await self.apply_labels(labels)
        return profile
