"""Corrects or judges a profile."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from resource_svc.labels.apply_labels import ApplyLabels
from resource_svc.profiles import rules, store
from resource_svc.profiles.events import changes_between
from resource_svc.profiles.profile import Profile
from resource_svc.profiles.tell import TellOfProfile
from resource_svc.users.find_user import FindUser
from resource_svc.users.lock_user import lock_user
from shared.database.pool import Database


@dataclasses.dataclass(frozen=True, slots=True)
class AdministerProfile:
    """A change by an administrator; profiles that were judged stay as they are."""

    database: Database
    find_user: FindUser
    tell: TellOfProfile
    apply_labels: ApplyLabels

    async def __call__(
        self, uid: str, written: Mapping[str, Any], state: str | None
    ) -> tuple[Profile, Profile]:
        """The profile before and after; raises `ProfileNotEditable`, `NotFound` or `Invalid`."""
        await self.find_user(uid)
        async with self.database.transaction() as connection:
            user = await lock_user(connection, uid)
            version = await store.next_version(connection, uid)
            before = await store.open_profile_of(connection, uid)
            rules.check(written, state)
            wanted = dataclasses.replace(before, **written, state=state or before.state)
            if wanted == before:
                return before, before
            after = await store.update_profile(connection, wanted, version)
            labels = await self.tell(
                connection,
                "updated",
                after,
                user,
                changes_between(before, after),
                rewritten=before.written() != after.written(),
            )
        await self.apply_labels(labels)
        return before, after
