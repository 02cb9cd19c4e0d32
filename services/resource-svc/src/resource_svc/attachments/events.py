"""What the events of attachments carry for the directory."""

from dataclasses import replace

from shared.contracts.attachments import AttachmentSet
from shared.contracts.events import Event


def with_set(event: Event, attachments: AttachmentSet) -> Event:
    """The event with the whole set that it is about, as it is after what happened."""
    return replace(
        event, snapshot={**(event.snapshot or {}), "attachments": attachments.snapshot()}
    )
