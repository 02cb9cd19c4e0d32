"""The parameters and answers of the operations on published events and their replays."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marshmallow import ValidationError, fields, validate

from admin_svc.parameters import Cursor, Moment, Word
from shared.answer_schemas import AnswerSchema, described
from shared.archive.use_cases import LONGEST_QUEUE
from shared.contracts.archive import (
    LONGEST_PATTERN,
    ArchivedEvent,
    EventFilter,
    Position,
    Replay,
    is_pattern,
)
from shared.contracts.services import ADMIN, IDENTITY, OAUTH, RESOURCE, WEBHOOKS
from shared.declared import declared
from shared.values.timestamps import milliseconds
from shared.web.fields import Boolean, Text
from shared.web.pagination import MAX_LIMIT, limit_field

OWNERS = (IDENTITY, RESOURCE, ADMIN, WEBHOOKS, OAUTH)
"""The services that publish events."""

_INVALID_SERVICE = "admin.event.invalid_service"
_INVALID_ID = "admin.event.invalid_id"


class Pattern(Text):
    """Names of events, as in a binding of a topic exchange."""

    def __init__(self) -> None:
        super().__init__(invalid="admin.event.invalid_name", maximum=LONGEST_PATTERN)

    def blank(self, value: str | None) -> Any:
        return None

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not is_pattern(text):
            raise self.refuse()
        return text


class Queue(Text):
    """The name of a queue, in at most 255 bytes of UTF-8."""

    def __init__(self) -> None:
        super().__init__(
            missing=("admin.event.missing_queue", "admin.event.empty_queue"),
            empty="admin.event.empty_queue",
            invalid="admin.event.invalid_queue",
            maximum=LONGEST_QUEUE,
        )

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if len(text.encode()) > LONGEST_QUEUE:
            raise self.refuse()
        return text


class ReplayId(Text):
    """The id of a replay."""

    def __init__(self) -> None:
        super().__init__(empty=_INVALID_ID, invalid=_INVALID_ID)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        try:
            return uuid.UUID(super()._deserialize(value, attr, data, **kwargs))
        except ValueError:
            raise ValidationError([_INVALID_ID]) from None


def _service() -> Word:
    return Word(
        OWNERS,
        missing=("admin.event.missing_service", "admin.event.empty_service"),
        blank=("admin.event.empty_service",),
        invalid=_INVALID_SERVICE,
    )


def _cursor() -> Cursor:
    return Cursor(Position.of, invalid="admin.event.invalid_cursor", maximum=100)


@dataclass(frozen=True, kw_only=True)
class EventFilterForm:
    """Which events; the service is the one that published them."""

    service: str = declared(_service())
    name: str | None = declared(Pattern(), None)
    uid: str | None = declared(Text(), None)
    start: datetime | None = declared(Moment("from"), None)
    end: datetime | None = declared(Moment("to"), None)

    @property
    def wanted(self) -> EventFilter:
        """The filter; a blank text is no condition."""
        return EventFilter(name=self.name, uid=self.uid or None, since=self.start, until=self.end)


@dataclass(frozen=True, kw_only=True)
class ListEventsForm(EventFilterForm):
    """GET /admin/events."""

    cursor: Position | None = declared(_cursor(), None)
    limit: int | None = declared(
        limit_field(),
        MAX_LIMIT,
    )


@dataclass(frozen=True, kw_only=True)
class ReplayEventsForm(EventFilterForm):
    """POST /admin/events/replays."""

    queue: str = declared(Queue())
    incomplete: bool | None = declared(Boolean(invalid="admin.event.non_boolean_incomplete"), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListReplaysForm:
    """GET /admin/events/replays."""

    service: str = declared(_service())


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelReplayForm:
    """DELETE /admin/events/replays/{id}."""

    id: uuid.UUID = declared(ReplayId())
    service: str = declared(_service())


def event_to_public(event: ArchivedEvent) -> dict[str, Any]:
    """The `PublishedEvent` of the public API."""
    return {
        "id": str(event.id),
        "name": event.name,
        "uid": event.uid,
        "record": event.record,
        "changes": event.changes,
        "complete": event.complete,
        "published_at": milliseconds(event.position.published_at),
    }


def replay_to_public(service: str, replay: Replay) -> dict[str, Any]:
    """The `Replay` of the public API."""
    wanted = replay.wanted
    return {
        "id": str(replay.id),
        "service": service,
        "queue": replay.queue,
        "name": wanted.name,
        "uid": wanted.uid,
        "from": milliseconds(wanted.since) if wanted.since else None,
        "to": milliseconds(wanted.until) if wanted.until else None,
        "incomplete": replay.incomplete,
        "state": replay.state,
        "reason": replay.reason,
        "replayed": replay.replayed,
        "created_at": milliseconds(replay.created_at),
        "updated_at": milliseconds(replay.updated_at),
    }


class PublishedEventSchema(AnswerSchema):
    """An event as it was published, without its secrets."""

    id = fields.String(metadata=described("The `jti` of the message."))
    name = fields.String()
    uid = fields.String(allow_none=True, metadata=described("The user whom it is about."))
    record = fields.Dict()
    changes = fields.Dict(allow_none=True, metadata=described("The old values of what changed."))
    complete = fields.Boolean(metadata=described("Whether it had no secrets."))
    published_at = fields.DateTime()


class ReplaySchema(AnswerSchema):
    """Events that are published again, into one queue."""

    id = fields.String()
    service = fields.String(metadata=described("The service that published them."))
    queue = fields.String()
    name = fields.String(allow_none=True)
    uid = fields.String(allow_none=True)
    start = fields.DateTime(allow_none=True, data_key="from")
    to = fields.DateTime(allow_none=True)
    incomplete = fields.Boolean()
    state = fields.String(validate=validate.OneOf(("running", "done", "failed", "cancelled")))
    reason = fields.String(allow_none=True, metadata=described("Why it failed, or rests."))
    replayed = fields.Integer(metadata=described("How many events are in the queue."))
    created_at = fields.DateTime()
    updated_at = fields.DateTime()
