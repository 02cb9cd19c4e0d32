"""Archived events and their replays, as services tell each other of them."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

from shared.contracts.events import Event, Record
from shared.errors import Invalid, NotFound

State = Literal["running", "done", "failed", "cancelled"]

LONGEST_PATTERN = 100
_POSITION = re.compile(r"([0-9]{1,16})_([0-9]{1,18})", re.ASCII)
_EPOCH = datetime.fromtimestamp(0, UTC)
_TICK = timedelta(microseconds=1)  # which is PostgreSQL's, too
_PATTERN = re.compile(r"(#|(\*|[a-z0-9_]+)(\.(\*|[a-z0-9_]+))*(\.#)?)")


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or not 1 < moment.year < 9999:  # every zone has these years
        raise ValueError(text)
    return moment


class NoQueue(Invalid):
    """The broker has no queue of this name."""

    codes = ("admin.event.queue_doesnt_exist",)


class TooManyReplays(Invalid):
    """As many replays of this service run as are allowed; another one has to wait."""

    codes = ("admin.event.too_many_replays",)


class NoReplay(NotFound):
    """There is no such replay, or it has ended."""

    codes = ("admin.event.replay_doesnt_exist",)


class Position(NamedTuple):
    """A place in an archive: when an event was published, and its number in the outbox."""

    published_at: datetime
    id: int

    @classmethod
    def of(cls, text: str) -> "Position":
        """The place that `str` wrote; raises ValueError for any other text."""
        match = _POSITION.fullmatch(text)
        if match is None:
            raise ValueError(text)
        return cls(_EPOCH + int(match[1]) * _TICK, int(match[2]))

    def __str__(self) -> str:
        return f"{(self.published_at - _EPOCH) // _TICK}_{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """The conditions that an event has to meet; None lets every one pass.

    `name` is a pattern as in a binding of a topic exchange: `*` is one word, `#` at the end any
    number of words. `uid` is the user whom the event is about, or whom an administrator acted on.
    The span of publication holds its beginning and not its end.
    """

    name: str | None = None
    uid: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def of(cls, snapshot: Mapping[str, Any]) -> "EventFilter":
        """The filter that `snapshot` describes; raises TypeError or ValueError."""
        name, uid = snapshot.get("name"), snapshot.get("uid")
        if name is not None and not is_pattern(name):
            raise ValueError(name)
        if not isinstance(uid, str | None):
            raise TypeError(uid)
        since, until = (
            _moment(text) if (text := snapshot.get(bound)) is not None else None
            for bound in ("since", "until")
        )
        return cls(name=name, uid=uid, since=since, until=until)

    def to_internal(self) -> dict[str, Any]:
        """The conditions that there are."""
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in given.items()
            if value is not None
        }


def is_pattern(text: str) -> bool:
    """Whether the text can be the `name` of a filter."""
    return len(text) <= LONGEST_PATTERN and _PATTERN.fullmatch(text) is not None


def expression_of(pattern: str) -> str:
    """A pattern of names as a regular expression."""
    words = pattern.split(".")
    last = words.pop() if words[-1] == "#" else ""
    parts = [r"[^.]+" if word == "*" else word for word in words]
    if not parts:
        return "^.*$"
    return "^" + r"\.".join(parts) + (r"(\..*)?" if last else "") + "$"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedEvent:
    """An event that was published. If it is `complete`, it had no secrets; others lost theirs."""

    position: Position
    id: uuid.UUID
    name: str
    uid: str | None
    record: Record = field(repr=False)
    changes: Record | None = field(repr=False)
    snapshot: Record | None = field(repr=False)
    complete: bool

    @classmethod
    def of(cls, snapshot: Mapping[str, Any]) -> "ArchivedEvent":
        """The event that `snapshot` describes; raises KeyError, TypeError or ValueError."""
        found = {each.name: snapshot[each.name] for each in fields(cls)}
        return cls(
            **{
                **found,
                "position": Position.of(found["position"]),
                "id": uuid.UUID(found["id"]),
            }
        )

    def to_internal(self) -> dict[str, Any]:
        """As services send it to each other."""
        return {
            **{each.name: getattr(self, each.name) for each in fields(self)},
            "position": str(self.position),
            "id": str(self.id),
        }

    def to_event(self) -> Event:
        """The event as it was published, but for its secrets."""
        return Event(
            id=self.id,
            name=self.name,
            record=self.record,
            changes=self.changes,
            snapshot=self.snapshot,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Archived events that are published again, to one queue, in the order of their publication.

    `replayed` is how many of them are in the queue. `reason` says why it failed, or why it rests.
    Events that had secrets are left out, unless `incomplete`: then they come without them.
    """

    id: uuid.UUID
    queue: str
    wanted: EventFilter
    incomplete: bool
    state: State
    reason: str | None
    replayed: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, snapshot: Mapping[str, Any]) -> "Replay":
        """The replay that `snapshot` describes; raises KeyError, TypeError or ValueError."""
        found = {each.name: snapshot[each.name] for each in fields(cls)}
        return cls(
            **{
                **found,
                "id": uuid.UUID(found["id"]),
                "wanted": EventFilter.of(found["wanted"]),
                "created_at": datetime.fromisoformat(found["created_at"]),
                "updated_at": datetime.fromisoformat(found["updated_at"]),
            }
        )

    def to_internal(self) -> dict[str, Any]:
        """As services send it to each other."""
        return {
            **{each.name: getattr(self, each.name) for each in fields(self)},
            "id": str(self.id),
            "wanted": self.wanted.to_internal(),
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
        }
