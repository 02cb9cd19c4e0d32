"""The parameters and answers of the snapshot of all users."""

from dataclasses import dataclass
from typing import Any

from marshmallow import fields, validate

from admin_svc.snapshots.models import UserSnapshot
from shared.answer_schemas import AnswerSchema, described
from shared.declared import declared
from shared.web.fields import Text
from shared.web.pagination import limit_field

MAX_LIMIT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotForm:
    """GET /admin/snapshots/users."""

    cursor: str | None = declared(Text(invalid="admin.snapshot.invalid_cursor", maximum=64), None)
    limit: int | None = declared(
        limit_field(MAX_LIMIT),
        100,
    )


def snapshot_to_public(snapshot: UserSnapshot) -> dict[str, Any]:
    """The `UserSnapshot` of the public API; its parts have the shapes of events' `snapshot`."""
    return {
        "uid": snapshot.user.uid,
        "user": snapshot.user.to_internal(),
        "sets": [each.to_internal() for each in snapshot.sets],
    }


class _AttachmentsSchema(AnswerSchema):
    """As `snapshot.attachments` of the events of attachments."""

    uid = fields.String()
    kind = fields.String(
        validate=validate.OneOf(("labels", "profiles", "phones", "documents", "data_storages"))
    )
    version = fields.Integer()
    records = fields.List(fields.Dict())


class UserSnapshotSchema(AnswerSchema):
    """A user and all their attachments; a kind of which they never had any is missing."""

    uid = fields.String()
    user = fields.Dict(metadata=described("As in the claim `snapshot` of `model.user.*`."))
    sets = fields.List(fields.Nested(_AttachmentsSchema))
