"""A profile: who a user says he is."""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from shared.web.answers import seconds

DRAFTED, SUBMITTED, VERIFIED, REJECTED = "drafted", "submitted", "verified", "rejected"

STATES = (DRAFTED, SUBMITTED, VERIFIED, REJECTED)

FIELDS = (
    *("first_name", "last_name", "dob", "address"),
    *("postcode", "city", "country", "metadata"),
)
"""What a user writes, in the order in which it is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One profile of one user, at most one of whose is drafted or submitted.

    `version` is that of all profiles of the user when this one changed last; it only grows.
    """

    id: int
    uid: str
    state: str
    first_name: str | None
    last_name: str | None
    dob: date | None
    address: str | None
    postcode: str | None
    city: str | None
    country: str | None
    metadata: str | None
    version: int
    created_at: datetime
    updated_at: datetime

    def written(self) -> dict[str, Any]:
        """What the user wrote."""
        return {name: _told(getattr(self, name)) for name in FIELDS}

    def model(self) -> dict[str, Any]:
        """The `Profile` of the public API."""
        told = self.written()
        metadata = told.pop("metadata")
        return {
            **told,
            "state": self.state,
            "metadata": metadata,
            "created_at": seconds(self.created_at),
            "updated_at": seconds(self.updated_at),
        }

    def snapshot(self) -> dict[str, Any]:
        """Everything, as our services tell each other."""
        return {name: _told(value) for name, value in asdict(self).items()}


def _told(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
