"""Keeps what events tell of users."""

from typing import Any

from admin_svc.directory.keeping.put import put
from shared.contracts.attachments import LABELS, AttachmentSet
from shared.contracts.events import ReceivedEvent
from shared.contracts.users import User
from shared.database.pool import Connection

_TAKEN_OVER = 0
"""The version of labels that a user brings along: whatever resource-svc tells of is newer."""


async def keep_user(connection: Connection, event: ReceivedEvent) -> None:
    """`model.user.*`: the user, with the labels that he brings along from another Barong.

    Here and below: KeyError, TypeError or ValueError is raised for an event that is not whole.
    """
    user = User.of(event.snapshot)
    labels: list[dict[str, Any]] = event.snapshot.get("labels", [])
    taken_over = AttachmentSet(uid=user.uid, kind=LABELS, version=_TAKEN_OVER, records=labels)
    await put(connection, [user], [taken_over] if labels else [])


async def keep_attachments(connection: Connection, event: ReceivedEvent) -> None:
    """`model.label.*`, `model.profile.*` and the others: the set that the event carries."""
    await put(connection, sets=[AttachmentSet.of(event.snapshot["attachments"])])
