"""The events of labels."""

from typing import Literal

from resource_svc.labels.models import PRIVATE, Label
from shared.contracts.events import Event, Record, without_nulls
from shared.contracts.labels import PrivateLabels
from shared.contracts.users import User

Happening = Literal["created", "updated", "deleted"]

_VERDICTS = ("verified", "rejected")


def label_event(
    happening: Happening,
    label: Label,
    user: User,
    private_labels: PrivateLabels,
    changes: Record | None = None,
) -> Event:
    """What happened to a label, and all private labels of its user as they are after it."""
    return Event(
        name=f"model.label.{happening}",
        record={**_record(label, user), "scope": label.scope},
        changes=changes,
        snapshot={
            "private_labels": private_labels.to_internal(),
            "label": label.to_internal(),
            "language": user.language,
        },
    )


def verdict_events(happening: Happening, label: Label, user: User) -> tuple[Event, ...]:
    """The event that a user's documents were verified or rejected, maybe once more."""
    is_verdict = (label.scope, label.key) == (PRIVATE, "document") and label.value in _VERDICTS
    if happening == "deleted" or not is_verdict:
        return ()
    record = {"description": None, **_record(label, user)}  # not left out where there is none
    return (
        Event(
            name=f"system.document.{label.value}",
            record=record,
            snapshot={"language": user.language},
        ),
    )


def _record(label: Label, user: User) -> Record:
    record = {
        "id": label.id,
        "key": label.key,
        "value": label.value,
        "description": label.description,
        "user": user.to_event(),
    }
    return without_nulls(record)
