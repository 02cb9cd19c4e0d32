"""Months, which activities are kept and dropped by."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

_NAME = re.compile(r"activities_y(\d{4,})m(\d\d)")


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month of UTC."""

    year: int
    month: int

    @classmethod
    def of(cls, moment: datetime) -> "Month":
        """The month of a moment."""
        here = moment.astimezone(UTC)
        return cls(here.year, here.month)

    @classmethod
    def of_partition(cls, name: str) -> "Month | None":
        """The month whose partition has this name."""
        match = _NAME.fullmatch(name)
        return cls(int(match[1]), int(match[2])) if match else None

    def plus(self, months: int) -> "Month":
        """So many months later, or earlier."""
        years, month = divmod(self.month - 1 + months, 12)
        return Month(self.year + years, month + 1)

    @property
    def partition(self) -> str:
        """The name of its partition."""
        return f"activities_y{self.year:04}m{self.month:02}"

    @property
    def begins(self) -> str:
        """Its first moment, as SQL."""
        return f"'{self.year:04}-{self.month:02}-01 00:00:00+00'"
