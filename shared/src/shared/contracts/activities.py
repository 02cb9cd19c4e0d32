"""Activities: who did what, from where, and with which result."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any, Literal

from shared.contracts import catalogue
from shared.contracts.events import Event
from shared.contracts.records import ActivityRecord
from shared.values.addresses import Address
from shared.values.totals import Total

Category = Literal["user", "admin"]
"""Whether a user acted on their own account (`user`) or on another's (`admin`)."""

Result = Literal["succeed", "failed", "denied"]

CATEGORIES: tuple[Category, ...] = ("user", "admin")
RESULTS: tuple[Result, ...] = ("succeed", "failed", "denied")

MAX_USER_AGENT = 512
MAX_WORD = 255
MAX_DATA = 16_384


@dataclass(frozen=True, slots=True)
class Client:
    """The client of a call: its address and its User-Agent."""

    ip: Address
    user_agent: str

    @classmethod
    def seen(cls, address: Address, user_agent: str) -> "Client":
        """A client whose User-Agent is made storable, and cut to 512 characters."""
        return cls(address, storable(user_agent, MAX_USER_AGENT))

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "Client":
        """The client that `body` describes; raises KeyError, TypeError or ValueError."""
        return cls.seen(ip_address(body["ip"]), _text(body["user_agent"]))

    def to_internal(self) -> dict[str, Any]:
        """As it travels in internal calls."""
        return {"ip": str(self.ip), "user_agent": self.user_agent}


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One thing that a user did, or was refused; the same `id` is the same activity.

    `data` is a JSON text without secrets, `target_uid` the user whom an administrator acted on.
    """

    category: Category
    uid: str
    user_ip: str
    user_agent: str = field(repr=False)
    topic: str
    action: str
    result: Result
    target_uid: str | None = None
    data: str | None = field(default=None, repr=False)
    id: uuid.UUID = field(default_factory=uuid.uuid4)
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "Activity":
        """The activity that `body` describes; raises KeyError, TypeError or ValueError."""
        category, result = body["category"], body["result"]
        created_at = datetime.fromisoformat(body["created_at"])
        if category not in CATEGORIES or result not in RESULTS or created_at.tzinfo is None:
            raise ValueError("no activity")
        return cls(
            id=uuid.UUID(body["id"]),
            category=category,
            uid=storable(_text(body["uid"]), MAX_WORD),
            user_ip=storable(_text(body["user_ip"]), MAX_WORD),
            user_agent=storable(_text(body["user_agent"]), MAX_USER_AGENT),
            topic=storable(_text(body["topic"]), MAX_WORD),
            action=storable(_text(body["action"]), MAX_WORD),
            result=result,
            target_uid=_or_none(body["target_uid"], MAX_WORD),
            data=_or_none(body["data"], MAX_DATA),
            created_at=created_at,
        )

    def to_internal(self) -> dict[str, Any]:
        """As it travels in events, audits and internal calls."""
        return {
            **asdict(self),
            "id": str(self.id),
            "created_at": self.created_at.isoformat(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredActivity(Activity):
    """An activity in the audit log; `number` is its public id, in no particular order."""

    number: int

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "StoredActivity":
        """As for an activity."""
        return cls(**asdict(Activity.of(body)), number=int(body["number"]))


@dataclass(frozen=True, slots=True)
class ActivityPage:
    """A page of activities, the number of all, and whether a page follows."""

    activities: Sequence[StoredActivity]
    total: Total
    goes_on: bool

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "ActivityPage":
        """The page that `body` describes; raises KeyError, TypeError or ValueError."""
        activities = [StoredActivity.of(each) for each in body["activities"]]
        return cls(activities, Total(body["total"], body["exact"]), body["goes_on"])

    def to_internal(self) -> dict[str, Any]:
        """As it travels in internal calls."""
        return {
            "activities": [each.to_internal() for each in self.activities],
            "total": self.total.number,
            "exact": self.total.exact,
            "goes_on": self.goes_on,
        }


def recorded(activity: Activity) -> Event:
    """The event of an activity; both have the same id."""
    record = ActivityRecord(**activity.to_internal())
    return catalogue.ACTIVITY_RECORDED.event(record, id=activity.id)


def storable(text: str, maximum: int) -> str:
    """The text as PostgreSQL accepts it, cut to `maximum` characters: no NUL, no surrogates."""
    return text[:maximum].encode("utf-8", "replace").decode().replace("\x00", "")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _or_none(value: Any, maximum: int) -> str | None:
    return None if value is None else storable(_text(value), maximum)
