"""What the events of attachments carry for the directory."""

from dataclasses import replace

from shared.contracts.attachments import AttachmentSnapshot
from shared.contracts.events import Event


def with_snapshot(event: Event, snapshot: AttachmentSnapshot) -> Event:
    """The event with all attachments of the kind that it is about, as they are after it."""
    return replace(
        event, snapshot={**(event.snapshot or {}), "attachments": snapshot.to_internal()}
    )
