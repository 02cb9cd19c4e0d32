"""The events of labels."""

from typing import Literal

from resource_svc.labels.models import PRIVATE, Label
from shared.contracts.catalogue import DOCUMENT_VERDICTS, LABELS
from shared.contracts.events import Event, Record
from shared.contracts.labels import PrivateLabels
from shared.contracts.records import LabelRecord, VerdictRecord
from shared.contracts.users import User

Happening = Literal["created", "updated", "deleted"]


def label_event(
    happening: Happening,
    label: Label,
    user: User,
    private_labels: PrivateLabels,
    changes: Record | None = None,
) -> Event:
    """What happened to a label, and all private labels of its user as they are after it."""
    record = LabelRecord(
        id=label.id,
        key=label.key,
        value=label.value,
        description=label.description,
        user=user.to_event(),
        scope=label.scope,
    )
    return LABELS[happening].event(
        record,
        changes=changes,
        snapshot={
            "private_labels": private_labels.to_internal(),
            "label": label.to_internal(),
            "language": user.language,
        },
    )


def verdict_events(happening: Happening, label: Label, user: User) -> tuple[Event, ...]:
    """The event that a user's documents were verified or rejected, maybe once more."""
    verdict = DOCUMENT_VERDICTS.get(label.value)
    if happening == "deleted" or (label.scope, label.key) != (PRIVATE, "document") or not verdict:
        return ()
    record = VerdictRecord(
        id=label.id,
        key=label.key,
        value=label.value,
        description=label.description,
        user=user.to_event(),
    )
    return (verdict.event(record, snapshot={"language": user.language}),)
