"""What comes in to the operation on snapshots of attachments."""

from collections.abc import Sequence
from dataclasses import dataclass

from marshmallow import fields, validate

from shared.declared import declared

MAX_USERS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSnapshotsForm:
    """POST /attachments."""

    uids: Sequence[str] = declared(
        fields.List(
            fields.String(validate=validate.Length(1, 64)),
            required=True,
            validate=validate.Length(0, MAX_USERS),
        )
    )
