"""What activities are looked for by, and where in their list one stands."""

import base64
import binascii
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from shared.contracts.activities import Category


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityFilter:
    """What an activity has to be like to be found; None lets every one pass.

    `uids` are those who did it. The span holds its beginning and not its end.
    """

    category: Category
    uids: Sequence[str] | None = None
    topic: str | None = None
    action: str | None = None
    result: str | None = None
    target_uid: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None


class Position(NamedTuple):
    """A place in the list, behind which it is read on; a cursor is one as text."""

    created_at: datetime
    id: uuid.UUID

    @classmethod
    def of(cls, cursor: str) -> "Position":
        """The place that a cursor stands for; raises ValueError."""
        try:
            moment, _, number = base64.urlsafe_b64decode(cursor).decode("ascii").partition(" ")
        except (binascii.Error, UnicodeError):
            raise ValueError("no cursor") from None
        created_at = datetime.fromisoformat(moment)
        every_zone_has_it = 1 < created_at.year < 9999
        if created_at.tzinfo is None or not every_zone_has_it:
            raise ValueError("no cursor")
        return cls(created_at, uuid.UUID(number))

    @property
    def cursor(self) -> str:
        """As a client is told it; he is to make nothing of it."""
        text = f"{self.created_at.isoformat()} {self.id}"
        return base64.urlsafe_b64encode(text.encode()).decode()


FIRST = Position(datetime.min.replace(tzinfo=UTC), uuid.UUID(int=0))
"""Before every activity there can be."""
