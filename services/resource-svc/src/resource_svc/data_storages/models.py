"""Data storages: what they are called, and what they may hold."""

from collections.abc import Iterator, Set
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from shared.errors import Invalid
from shared.json_text import is_json
from shared.values.timestamps import seconds

MAX_DATA = 5120
EXCLUDED = frozenset({"document", "label", "profile", "phone", "user"})
"""Never titles, whatever is configured: their labels would be taken for those of other things."""


INVALID_STORAGE = Invalid(
    ("title.inclusion", "title.exclusion", "title.taken", "data.too_long", "data.invalid_format")
)
"""All codes of what can be wrong with a data storage, for the API document."""


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

    def to_public(self) -> dict[str, Any]:
        """The `DataStorage` of the public API."""
        return {
            "title": self.title,
            "data": self.data,
            "created_at": seconds(self.created_at),
            "updated_at": seconds(self.updated_at),
        }

    def to_internal(self) -> dict[str, Any]:
        """Everything, for our own services."""
        return {
            **asdict(self),
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
        }


def data_faults(data: str) -> Iterator[str]:
    """Codes of what is wrong with the data."""
    if len(data) > MAX_DATA:
        yield "data.too_long"
    if not is_json(data):
        yield "data.invalid_format"


def title_faults(title: str, titles: Set[str]) -> Iterator[str]:
    """Codes of what is wrong with the title; `titles` are the configured ones."""
    if title not in titles:
        yield "title.inclusion"
    if title in EXCLUDED:
        yield "title.exclusion"
