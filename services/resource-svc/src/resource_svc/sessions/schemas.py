"""What comes in and goes out of the operations on sessions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marshmallow import fields

from shared.answer_schemas import AnswerSchema, described
from shared.declared import declared
from shared.values.timestamps import seconds
from shared.web.fields import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeSessionForm:
    """DELETE /sessions/{id}."""

    id: str = declared(Text())


def to_public(session: Mapping[str, Any], current: str | None) -> dict[str, Any]:
    """The `Session` of the public API; `current` is the sid of the session of the call, if any.

    `expires_at` is when the session ends unless it is used before.
    """
    return {
        "id": session["sid"],
        "user_ip": session["address"],
        "user_agent": session["user_agent"],
        "current": session["sid"] == current,
        "created_at": seconds(datetime.fromisoformat(session["created_at"])),
        "expires_at": seconds(datetime.fromisoformat(session["expires_at"])),
    }


class SessionSchema(AnswerSchema):
    """A session of the caller's."""

    id = fields.UUID()
    user_ip = fields.String()
    user_agent = fields.String()
    current = fields.Boolean(metadata=described("Whether it is the one that asks."))
    created_at = fields.DateTime()
    expires_at = fields.DateTime(metadata=described("When it ends, unless it is used before."))
