"""Activities as they are searched, and which of them are counted."""

import base64
import binascii
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from shared.contracts.activities import Activity, Category, StoredActivity
from shared.contracts.users import User
from shared.errors import Invalid
from shared.values.totals import Total

SIGNUPS, SUCCESSFUL_LOGINS, FAILED_LOGINS = "signups", "successful_logins", "failed_logins"

METRICS = {
    ("account", "signup", "succeed"): SIGNUPS,
    ("session", "login", "succeed"): SUCCESSFUL_LOGINS,
    ("session", "login::2fa", "succeed"): SUCCESSFUL_LOGINS,
    ("session", "login", "failed"): FAILED_LOGINS,
    ("session", "login::2fa", "failed"): FAILED_LOGINS,
}
"""The metric of each action that is counted, by topic, action and result."""


class PageTooDeep(Invalid):
    """The page lies so deep in the list that only cursors reach it."""

    codes = ("admin.activity.page_too_deep",)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityFilter:
    """The conditions that an activity has to meet; None lets every one pass.

    `uids` are the users who acted. The span holds its beginning and not its end.
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
    """A place in the list of activities; a cursor is one as text."""

    created_at: datetime
    id: uuid.UUID

    @classmethod
    def of(cls, cursor: str) -> "Position":
        """The place of a cursor; raises ValueError for any other text."""
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
        """The place as opaque text for clients."""
        text = f"{self.created_at.isoformat()} {self.id}"
        return base64.urlsafe_b64encode(text.encode()).decode()


FIRST = Position(datetime.min.replace(tzinfo=UTC), uuid.UUID(int=0))
"""The place before every activity."""


@dataclass(frozen=True, slots=True)
class FoundActivity:
    """An activity, with its user and its target where the directory has them."""

    activity: StoredActivity
    user: User | None
    target: User | None

    @property
    def position(self) -> Position:
        """Its place in the list."""
        return Position(self.activity.created_at, self.activity.id)


@dataclass(frozen=True, slots=True)
class FoundPage:
    """One page, the number of all activities found, and whether a next page may be requested."""

    activities: Sequence[FoundActivity]
    total: Total
    goes_on: bool


def metric_of(activity: Activity) -> str | None:
    """The metric that an activity counts for; None for an activity that is not counted."""
    if activity.category != "user":
        return None
    return METRICS.get((activity.topic, activity.action, activity.result))
