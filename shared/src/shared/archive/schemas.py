"""The parameters of the internal operations on an archive."""

import uuid
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError, fields, validate

from shared.archive.use_cases import LONGEST_QUEUE, MOST_LISTED
from shared.contracts.archive import EventFilter, Position
from shared.declared import declared
from shared.web.fields import INVALID


class _FilterField(fields.Field[EventFilter]):
    """`EventFilter.to_internal()`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> EventFilter:
        try:
            return EventFilter.of(value)
        except (AttributeError, TypeError, ValueError):
            raise ValidationError(INVALID) from None


class _PositionField(fields.String):
    """`str` of a `Position`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            return Position.of(super()._deserialize(value, attr, data, **kwargs))
        except ValueError:
            raise ValidationError(INVALID) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchForm:
    """POST /events/search."""

    wanted: EventFilter = declared(_FilterField(required=True))
    limit: int = declared(
        fields.Integer(strict=True, required=True, validate=validate.Range(1, MOST_LISTED))
    )
    before: Position | None = declared(_PositionField(allow_none=True), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateReplayForm:
    """POST /events/replays."""

    queue: str = declared(fields.String(required=True, validate=validate.Length(1, LONGEST_QUEUE)))
    wanted: EventFilter = declared(_FilterField(required=True))
    incomplete: bool = declared(fields.Boolean(required=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelReplayForm:
    """DELETE /events/replays/{id}."""

    id: uuid.UUID = declared(fields.UUID(required=True))
