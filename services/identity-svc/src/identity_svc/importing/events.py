"""The event of an imported user."""

from collections.abc import Sequence
from dataclasses import replace

from identity_svc.users.events import user_created
from shared.contracts.events import Event
from shared.contracts.labels import ImportedLabel
from shared.contracts.users import User


def user_imported(user: User, labels: Sequence[ImportedLabel]) -> Event:
    """There is a new user with these labels, which resource-svc owns from now on."""
    event = user_created(user)
    with_labels = {**(event.snapshot or {}), "labels": [label.to_internal() for label in labels]}
    return replace(event, snapshot=with_labels)
