"""Events: what happened to which record, as services write and receive it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event as a use case writes it.

    `record` and `changes` (old values of changed fields) are for every subscriber. `snapshot`
    is the whole record with its `version`, for read models of our own services. `secrets` are
    parts of the record that lie encrypted in the outbox. `traceparent` (W3C Trace Context) names
    the span in which the event was written or, when it is published, the one of its publication.
    """

    name: str
    record: Record
    changes: Record | None = None
    snapshot: Record | None = None
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    id: uuid.UUID = field(default_factory=uuid.uuid4)
    traceparent: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedEvent:
    """An event whose signature was verified."""

    id: uuid.UUID
    name: str
    record: Record = field(repr=False)
    changes: Record = field(repr=False)
    snapshot: Record = field(repr=False)
    issued_at: datetime


def subject_of(record: Record) -> str:
    """The uid of the user whom an event is about; blank for events about no user."""
    user = record.get("user")
    return str((user if isinstance(user, Mapping) else record).get("uid") or "")


def without_nulls(record: Record) -> dict[str, Any]:
    """A model's record as published: its own nulls left out, those of nested records kept."""
    return {key: value for key, value in record.items() if value is not None}
