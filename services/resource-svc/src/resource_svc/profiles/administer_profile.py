"""Corrects or judges a profile."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from resource_svc.labels.apply_labels import ApplyLabels
from resource_svc.labels.list_labels import ListLabels
from resource_svc.profiles import rules, store
from resource_svc.profiles.events import changes_between
from resource_svc.profiles.tell import TellOfProfile
from resource_svc.users.transactions import UserTransactions
from shared.contracts.administration import Administrator, ChangedAttachment


@dataclasses.dataclass(frozen=True, slots=True)
class AdministerProfile:
    """A change by an administrator; profiles that were judged stay as they are."""

    transactions: UserTransactions
    tell: TellOfProfile
    list_labels: ListLabels
    apply_labels: ApplyLabels

    async def __call__(
        self, by: Administrator, uid: str, written: Mapping[str, Any], state: str | None
    ) -> ChangedAttachment:
        """The profile before and after, with all profiles and labels of the user.

        Raises `ProfileNotEditable`, `Invalid` or what `UserTransactions.of_subject` raises.
        """
        async with self.transactions.of_subject(uid, by) as (connection, user):
            version = await store.next_version(connection, uid)
            before = await store.open_profile_of(connection, uid)
            rules.check(written, state)
            wanted = dataclasses.replace(before, **written, state=state or before.state)
            if wanted == before:
                return ChangedAttachment(
                    before=before.model(), after=before.model(), user=user, sets=()
                )
            after = await store.update_profile(connection, wanted, version)
            labels = await self.tell(
                connection,
                "updated",
                after,
                user,
                changes_between(before, after),
                rewritten=before.written() != after.written(),
            )
            profiles = await store.sets_of(connection, [uid])
            all_labels = await self.list_labels.sets(connection, uid)
        return ChangedAttachment(
            before=before.model(),
            after=after.model(),
            user=await self.apply_labels(labels) or user,
            sets=(*profiles, *all_labels),
        )
