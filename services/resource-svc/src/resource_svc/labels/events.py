"""The events of labels."""

from typing import Literal

from resource_svc.labels.label import Label
from shared.contracts.events import Event, Record, without_nulls
from shared.contracts.labels import PrivateLabels
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
    record = {
        "id": label.id,
        "key": label.key,
        "value": label.value,
        "description": label.description,
        "user": user.event_record(),
    }
    return Event(
        name=f"model.label.{happening}",
        record=without_nulls(record),
        changes=changes,
        snapshot={"private_labels": private_labels.snapshot(), "label": label.snapshot()},
    )
