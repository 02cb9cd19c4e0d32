"""A label: a word about a user, under a key, public or private."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from shared.web.answers import seconds

PUBLIC, PRIVATE = "public", "private"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One label of one user; unique by user, scope and key."""

    id: int
    uid: str
    scope: str
    key: str
    value: str
    description: str | None
    created_at: datetime
    updated_at: datetime

    def model(self) -> dict[str, Any]:
        """The `Label` of the public API."""
        return {
            "key": self.key,
            "value": self.value,
            "scope": self.scope,
            "created_at": seconds(self.created_at),
            "updated_at": seconds(self.updated_at),
        }

    def administered(self) -> dict[str, Any]:
        """The `Label` as administrators see it."""
        shown = self.model()
        moments = {name: shown.pop(name) for name in ("created_at", "updated_at")}
        return {**shown, "description": self.description, **moments}

    def snapshot(self) -> dict[str, Any]:
        """Everything but our own number, as our services tell each other."""
        told = {
            **asdict(self),
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
        }
        del told["id"]
        return told
