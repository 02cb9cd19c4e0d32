"""A data storage: a JSON text of a user, under a title."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from shared.web.answers import seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class DataStorage:
    """One data storage of one user; unique by user and title.

    `version` is that of all data storages of the user when this one changed last; it only grows.
    """

    id: int
    uid: str
    title: str
    data: str
    version: int
    created_at: datetime
    updated_at: datetime

    def model(self) -> dict[str, Any]:
        """The `DataStorage` of the public API."""
        return {
            "title": self.title,
            "data": self.data,
            "created_at": seconds(self.created_at),
            "updated_at": seconds(self.updated_at),
        }

    def snapshot(self) -> dict[str, Any]:
        """Everything, as our services tell each other."""
        return {
            **asdict(self),
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
        }
