"""Reads and changes labels, and what other features and events do with private ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import structlog

from resource_svc.attachments.events import with_snapshot
from resource_svc.core import Core
from resource_svc.labels import models, store
from resource_svc.labels.events import Happening, label_event, verdict_events
from resource_svc.labels.models import PRIVATE, PUBLIC, Label, LabelIsPrivate, TooManyLabels
from resource_svc.labels.store import LABEL_TABLE
from resource_svc.users.use_cases import Users
from shared.clients.identity import IdentityClient
from shared.contracts.administration import Administrator, ChangedAttachment
from shared.contracts.attachments import AttachmentSnapshot
from shared.contracts.events import ReceivedEvent, Record
from shared.contracts.labels import ImportedLabel, PrivateLabels
from shared.contracts.refusals import LabelNotFound
from shared.contracts.users import User
from shared.database.pool import Connection, Database
from shared.errors import NotFound, Unavailable
from shared.messaging.outbox import Outbox
from shared.policy.account_status import AccountStatusRules
from shared.policy.account_status_files import account_status_rules

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Labels:
    """Users' labels. identity-svc makes state and level of a user of their private labels.

    Events show the user as the label makes them: `status_rules` are those of identity-svc.
    """

    database: Database
    outbox: Outbox
    identity: IdentityClient
    users: Users
    status_rules: AccountStatusRules

    # What users do with their own labels.

    async def list(self, uid: str) -> Sequence[Label]:
        """All labels of a user, of both scopes, the oldest first; none for an unknown user."""
        async with self.database.connection() as connection:
            return await LABEL_TABLE.list(connection, uid)

    async def get(self, uid: str, key: str) -> Label:
        """The label with this key, the private one if both scopes have it; raises `NotFound`.

        `update` and `delete` choose the same one, and refuse to change a private one.
        """
        async with self.database.connection() as connection:
            return await store.get_by_key(connection, uid, key)

    async def create(self, uid: str, key: str, value: str) -> Label:
        """A new public label; a private one may have the same key.

        Raises `Invalid`, `LabelKeyTaken`, `TooManyLabels` or `NotFound`.
        """
        models.check(key=key, value=value)
        async with self.users.actor_transaction(uid) as (connection, user):
            await store.lock_labels(connection, uid)
            label = await store.insert_label(connection, uid, PUBLIC, key, value)
            if await store.count_public(connection, uid) > models.MAX_PUBLIC_LABELS:
                raise TooManyLabels
            await self._publish(connection, "created", label, user)
        return label

    async def update(self, uid: str, key: str, value: str) -> Label:
        """A public label with another value; the same value changes nothing.

        Raises `NotFound`, `LabelIsPrivate` or `Invalid`.
        """
        async with self.users.actor_transaction(uid) as (connection, user):
            label = await self._own(connection, uid, key)
            models.check(value=value)
            if label.value == value:
                return label
            updated = await store.set_value(connection, label, value)
            await self._publish(connection, "updated", updated, user, {"value": label.value})
        return updated

    async def delete(self, uid: str, key: str) -> None:
        """Deletes a public label; raises `NotFound` or `LabelIsPrivate`."""
        async with self.users.actor_transaction(uid) as (connection, user):
            label = await self._own(connection, uid, key)
            await store.delete_label(connection, label)
            await self._publish(connection, "deleted", label, user)

    # What administrators do with labels of both scopes. The answers show the user after the
    # change, and all their labels.

    async def create_as_admin(
        self,
        by: Administrator,
        uid: str,
        scope: str,
        key: str,
        value: str,
        description: str | None,
    ) -> ChangedAttachment:
        """A new label.

        Raises `Invalid`, `LabelKeyTaken` or what `Users.subject_transaction` raises.
        """
        async with self.users.subject_transaction(uid, by) as (connection, user):
            models.check_all(scope=scope, key=key, value=value, description=description)
            await store.lock_labels(connection, uid)
            label = await store.insert_label(connection, uid, scope, key, value, description)
            labels = await self._publish(connection, "created", label, user)
        return await self._changed(None, label, user, labels)

    async def update_as_admin(
        self,
        by: Administrator,
        uid: str,
        scope: str,
        key: str,
        value: str,
        description: str | None,
        *,
        or_add: bool,
    ) -> ChangedAttachment:
        """A label with another value or description; a description that is None stays.

        With `or_add` a missing label is created. The same value and description change nothing,
        but a verdict on documents is published each time it is given. Raises `Invalid`,
        `LabelNotFound` or what `Users.subject_transaction` raises.
        """
        async with self.users.subject_transaction(uid, by) as (connection, user):
            await store.lock_labels(connection, uid)
            before = await store.find_in_scope(connection, uid, scope, key)
            if before is None and not or_add:
                raise LabelNotFound
            models.check_all(scope=scope, key=key, value=value, description=description)
            if before is None:
                after = await store.insert_label(connection, uid, scope, key, value, description)
                labels = await self._publish(connection, "created", after, user)
            else:
                wanted = (value, before.description if description is None else description)
                if wanted == (before.value, before.description):
                    await self.outbox.add(connection, *verdict_events("updated", before, user))
                    return _answer(before, before, user, ())
                after = await store.set_label(connection, before, *wanted)
                old = {
                    name: getattr(before, name)
                    for name in ("value", "description")
                    if getattr(before, name) != getattr(after, name)
                }
                labels = await self._publish(connection, "updated", after, user, old)
        return await self._changed(before, after, user, labels)

    async def delete_as_admin(
        self, by: Administrator, uid: str, scope: str, key: str
    ) -> ChangedAttachment:
        """Deletes a label; raises `LabelNotFound` or what `Users.subject_transaction` raises."""
        async with self.users.subject_transaction(uid, by) as (connection, user):
            await store.lock_labels(connection, uid)
            label = await store.find_in_scope(connection, uid, scope, key)
            if label is None:
                raise LabelNotFound
            await store.delete_label(connection, label)
            labels = await self._publish(connection, "deleted", label, user)
        return await self._changed(label, None, user, labels)

    # What other features and services do with private labels.

    async def put_private(self, uid: str, key: str, value: str) -> PrivateLabels:
        """All private labels of the user, with this one; raises `Invalid` or `NotFound`."""
        models.check(key=key, value=value)
        async with self.users.transaction(uid) as (connection, user):
            return await self.upsert_private(connection, user, key, value)

    async def upsert_private(
        self,
        connection: Connection,
        user: User,
        key: str,
        value: str,
        *,
        instead: Mapping[str, str] = MappingProxyType({}),
    ) -> PrivateLabels:
        """All private labels of a locked user, with this valid one; the same changes nothing.

        `instead` has other values for a label that has a certain value now.
        """
        await store.lock_labels(connection, user.uid)
        label = await store.find_in_scope(connection, user.uid, PRIVATE, key)
        if label is None:
            added = await store.insert_label(connection, user.uid, PRIVATE, key, value)
            return _private(await self._publish(connection, "created", added, user))
        value = instead.get(label.value, value)
        if label.value == value:
            return await store.private_labels(connection, user.uid)
        updated = await store.set_value(connection, label, value)
        changes = {"value": label.value}
        return _private(await self._publish(connection, "updated", updated, user, changes))

    async def delete_private(
        self, connection: Connection, user: User, key: str, *, only: str | None = None
    ) -> PrivateLabels:
        """All private labels of a locked user, without this one.

        With `only`, a label that has another value stays.
        """
        await store.lock_labels(connection, user.uid)
        label = await store.find_in_scope(connection, user.uid, PRIVATE, key)
        if label is None or only not in (None, label.value):
            return await store.private_labels(connection, user.uid)
        await store.delete_label(connection, label)
        return _private(await self._publish(connection, "deleted", label, user))

    async def apply(self, labels: PrivateLabels) -> User | None:
        """The user that identity-svc makes of these labels, or None until it does.

        Call it after the commit, so that the answer shows the new state and level. Nothing is lost
        when it fails: the event of the change has the same effect.
        """
        try:
            user = await self.identity.apply_labels(labels)
        except (Unavailable, NotFound) as error:
            log.warning("labels_await_their_event", uid=labels.uid, reason=str(error))
            return None
        return await self.users.upsert(user)

    async def snapshots(
        self, connection: Connection, uids: Sequence[str]
    ) -> Sequence[AttachmentSnapshot]:
        """The snapshots of these users' labels."""
        return await LABEL_TABLE.snapshots(connection, uids)

    async def erase(self, connection: Connection, uid: str) -> None:
        """Deletes all labels of a user who is erased in this transaction."""
        await LABEL_TABLE.erase(connection, uid)

    # Reactions to events.

    async def import_labels(self, connection: Connection, event: ReceivedEvent) -> None:
        """The reaction to a `model.user.created` that has labels of another Barong.

        A label that the user has by now stays as it is. Every service that stores labels has these
        from the same event, so no event follows. There is one exception: if an event of another
        label came first, its snapshot lacked these.
        """
        user = await self.users.upsert_within(connection, User.of(event.snapshot))
        labels = [ImportedLabel.of(label) for label in event.snapshot["labels"]]
        await store.lock_labels(connection, user.uid)
        changed_before = (await store.private_labels(connection, user.uid)).version > 0
        added = await store.insert_labels(connection, user.uid, labels)
        if not changed_before:
            await store.count_change(connection, user.uid)
            return
        for label in added:
            await self._publish(connection, "created", label, user)

    async def verify_email(self, connection: Connection, event: ReceivedEvent) -> None:
        """The reaction to `system.user.email.confirmed`: the private label email:verified.

        The event has its user, who may be new here: events come in any order. identity-svc learns
        of a new label by the event of the label.
        """
        user = await self.users.upsert_within(connection, User.of(event.snapshot))
        await self.upsert_private(connection, user, "email", "verified")

    async def _own(self, connection: Connection, uid: str, key: str) -> Label:
        """The public label with this key of a locked user; raises `NotFound`, `LabelIsPrivate`."""
        await store.lock_labels(connection, uid)
        label = await store.get_by_key(connection, uid, key)
        if label.scope == PRIVATE:
            raise LabelIsPrivate
        return label

    async def _publish(
        self,
        connection: Connection,
        happening: Happening,
        label: Label,
        user: User,
        changes: Record | None = None,
    ) -> AttachmentSnapshot:
        """Counts a change and adds its event to the outbox; the labels after the change."""
        await store.count_change(connection, label.uid)
        labels = await LABEL_TABLE.snapshot(connection, label.uid)
        private = _private(labels)
        if label.scope == PRIVATE:
            before = _before(private.labels, happening, label, changes or {})
            user = self.status_rules.labelled(user, before, private.labels)
        event = label_event(happening, label, user, private, changes)
        verdicts = verdict_events(happening, label, user)
        await self.outbox.add(connection, with_snapshot(event, labels), *verdicts)
        return labels

    async def _changed(
        self, before: Label | None, after: Label | None, user: User, labels: AttachmentSnapshot
    ) -> ChangedAttachment:
        """The answer to an administrator, after the commit."""
        label = after or before
        if label is not None and label.scope == PRIVATE:
            user = await self.apply(_private(labels)) or user
        return _answer(before, after, user, (labels,))


def _answer(
    before: Label | None, after: Label | None, user: User, snapshots: Sequence[AttachmentSnapshot]
) -> ChangedAttachment:
    return ChangedAttachment(
        before=before.to_administrator() if before else None,
        after=after.to_administrator() if after else None,
        user=user,
        sets=snapshots,
    )


def _private(labels: AttachmentSnapshot) -> PrivateLabels:
    """The private labels of a snapshot, which have its version."""
    private = {each["key"]: each["value"] for each in labels.records if each["scope"] == PRIVATE}
    return PrivateLabels(labels.uid, labels.version, private)


def _before(
    after: Mapping[str, str], happening: Happening, label: Label, changes: Record
) -> dict[str, str]:
    """The private labels before the change."""
    if happening == "created":
        return {key: value for key, value in after.items() if key != label.key}
    if happening == "deleted":
        return {**after, label.key: label.value}
    return {**after, label.key: changes.get("value", label.value)}


def build(core: Core, users: Users) -> Labels:
    """The use cases of labels."""
    rules = account_status_rules(core.settings.config_dir)
    return Labels(core.database, core.outbox, core.identity, users, rules)
