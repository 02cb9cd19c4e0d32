"""What comes in and goes out of the operations on sessions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
