"""Writes, submits and judges profiles."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from resource_svc.attachments.events import with_snapshot
from resource_svc.core import Core
from resource_svc.labels.use_cases import Labels
from resource_svc.profiles import store
from resource_svc.profiles.events import Happening, changes_between, profile_event
from resource_svc.profiles.models import DRAFTED, SUBMITTED, Profile, check
from resource_svc.profiles.store import PROFILE_TABLE
from resource_svc.users.use_cases import Users
from shared.contracts.administration import Administrator, ChangedAttachment
from shared.contracts.attachments import AttachmentSnapshot
from shared.contracts.events import Record
from shared.contracts.labels import PrivateLabels
from shared.contracts.users import User
from shared.database.pool import Connection, Database
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class Profiles:
    """Users' profiles, and the private label profile:<state> of the latest one."""

    database: Database
    outbox: Outbox
    users: Users
    labels: Labels

    async def list(self, uid: str) -> Sequence[Profile]:
        """All profiles of a user, the oldest first; none for an unknown user."""
        async with self.database.connection() as connection:
            return await PROFILE_TABLE.list(connection, uid)

    async def create(self, uid: str, written: Mapping[str, Any], *, confirm: bool) -> Profile:
        """A new profile, submitted if `confirm`, else a draft.

        Raises `Invalid` or `ProfileExists`.
        """
        check(written)
        state = SUBMITTED if confirm else DRAFTED
        async with self.users.actor_transaction(uid) as (connection, user):
            version = await PROFILE_TABLE.next_version(connection, uid)
            profile = await store.insert_profile(connection, uid, version, state, written)
            labels = await self._publish(connection, "created", profile, user)
        await self.labels.apply(labels)
        return profile

    async def update(self, uid: str, written: Mapping[str, Any], *, confirm: bool) -> Profile:
        """The user's draft with these fields, submitted if `confirm`.

        The same values publish nothing. Raises `ProfileNotEditable` or `Invalid`.
        """
        async with self.users.actor_transaction(uid) as (connection, user):
            version = await PROFILE_TABLE.next_version(connection, uid)
            draft = await store.get_draft(connection, uid)
            check(written)
            state = SUBMITTED if confirm else draft.state
            wanted = dataclasses.replace(draft, **written, state=state)
            if wanted == draft:
                return draft
            profile = await store.update_profile(connection, wanted, version)
            changes = changes_between(draft, profile)
            labels = await self._publish(connection, "updated", profile, user, changes)
        await self.labels.apply(labels)
        return profile

    async def update_as_admin(
        self, by: Administrator, uid: str, written: Mapping[str, Any], state: str | None
    ) -> ChangedAttachment:
        """Corrects or judges the open profile; a profile that was judged stays as it is.

        Raises `ProfileNotEditable`, `Invalid` or what `Users.subject_transaction` raises.
        """
        async with self.users.subject_transaction(uid, by) as (connection, user):
            version = await PROFILE_TABLE.next_version(connection, uid)
            before = await store.get_open(connection, uid)
            check(written, state)
            wanted = dataclasses.replace(before, **written, state=state or before.state)
            if wanted == before:
                shown = before.to_public()
                return ChangedAttachment(before=shown, after=shown, user=user, sets=())
            after = await store.update_profile(connection, wanted, version)
            labels = await self._publish(
                connection,
                "updated",
                after,
                user,
                changes_between(before, after),
                rewritten=before.written() != after.written(),
            )
            profiles = await PROFILE_TABLE.snapshots(connection, [uid])
            all_labels = await self.labels.snapshots(connection, [uid])
        return ChangedAttachment(
            before=before.to_public(),
            after=after.to_public(),
            user=await self.labels.apply(labels) or user,
            sets=(*profiles, *all_labels),
        )

    async def snapshots(
        self, connection: Connection, uids: Sequence[str]
    ) -> Sequence[AttachmentSnapshot]:
        """The snapshots of these users' profiles."""
        return await PROFILE_TABLE.snapshots(connection, uids)

    async def erase(self, connection: Connection, uid: str) -> None:
        """Deletes all profiles of a user who is erased in this transaction."""
        await PROFILE_TABLE.erase(connection, uid)

    async def _publish(
        self,
        connection: Connection,
        happening: Happening,
        profile: Profile,
        user: User,
        changes: Record | None = None,
        *,
        rewritten: bool = True,
    ) -> PrivateLabels:
        """Adds the event of a change to the outbox; returns the private labels after it.

        A profile that was only judged is not `rewritten`. A rewritten one turns document:verified
        into document:replaced, because the documents proved another profile.
        """
        snapshot = await PROFILE_TABLE.snapshot(connection, profile.uid)
        event = profile_event(happening, profile, user, changes)
        await self.outbox.add(connection, with_snapshot(event, snapshot))
        labels = await self.labels.upsert_private(connection, user, "profile", profile.state)
        if not rewritten or labels.labels.get("document") != "verified":
            return labels
        return await self.labels.upsert_private(connection, user, "document", "replaced")


def build(core: Core, users: Users, labels: Labels) -> Profiles:
    """The use cases of profiles."""
    return Profiles(core.database, core.outbox, users, labels)
