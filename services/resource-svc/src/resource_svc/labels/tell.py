"""Tells of a change to a label, in the transaction that makes it."""

from collections.abc import Mapping
from dataclasses import dataclass

from resource_svc.attachments.events import with_snapshot
from resource_svc.labels import store
from resource_svc.labels.events import Happening, judgement, label_event
from resource_svc.labels.label import PRIVATE, Label
from shared.contracts.attachments import AttachmentSet
from shared.contracts.events import Record
from shared.contracts.labels import PrivateLabels
from shared.contracts.users import User
from shared.database.pool import Connection
from shared.messaging.outbox import Outbox
from shared.policy.standing import StandingRules


@dataclass(frozen=True, slots=True)
class TellOfLabel:
    """Events show the user as the label makes him: identity-svc decides by the same rules."""

    outbox: Outbox
    standing: StandingRules

    async def __call__(
        self,
        connection: Connection,
        happening: Happening,
        label: Label,
        user: User,
        changes: Record | None = None,
    ) -> AttachmentSet:
        """Counts the change and writes its event; all labels of the user as they are after it."""
        await store.count_change(connection, label.uid)
        (labels,) = await store.sets_of(connection, [label.uid])
        private = private_labels(labels)
        if label.scope == PRIVATE:
            before = _before(private.labels, happening, label, changes or {})
            user = self.standing.labelled(user, before, private.labels)
        event = label_event(happening, label, user, private, changes)
        judged = judgement(happening, label, user)
        await self.outbox.add(connection, with_snapshot(event, labels), *judged)
        return labels

    async def again(self, connection: Connection, label: Label, user: User) -> None:
        """Announces a judgement that was given once more, though no label changed by it."""
        await self.outbox.add(connection, *judgement("updated", label, user))


def private_labels(labels: AttachmentSet) -> PrivateLabels:
    """The private ones of all labels that a user has; both sets have one version."""
    private = {each["key"]: each["value"] for each in labels.records if each["scope"] == PRIVATE}
    return PrivateLabels(labels.uid, labels.version, private)


def _before(
    after: Mapping[str, str], happening: Happening, label: Label, changes: Record
) -> dict[str, str]:
    """The private labels as they were before the change."""
    if happening == "created":
        return {key: value for key, value in after.items() if key != label.key}
    if happening == "deleted":
        return {**after, label.key: label.value}
    return {**after, label.key: changes.get("value", label.value)}
