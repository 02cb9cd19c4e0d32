"""A phone of a user."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.web.answers import milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """One number of one user; many may claim a number, one may have proven it to be his."""

    id: int
    uid: str
    number: str
    country: str
    validated_at: datetime | None

    def model(self) -> dict[str, Any]:
        """The `Phone` of the public API."""
        return {
            "country": self.country,
            "number": self.number,
            "validated_at": milliseconds(self.validated_at) if self.validated_at else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An attempt at the code of a phone, which it is the `count`th to be made at.

    `code_digest` is of the code that was sent last, which lives for `seconds_left` more.
    """

    phone: Phone
    code_digest: bytes
    seconds_left: float
    count: int
