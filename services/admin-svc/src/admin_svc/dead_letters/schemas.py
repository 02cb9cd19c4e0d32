"""The parameters and answers of the operations on dead letters."""

from dataclasses import dataclass
from typing import Any

from marshmallow import fields

from shared.answer_schemas import AnswerSchema, described
from shared.declared import declared
from shared.errors import Invalid
from shared.messaging.dead_letters import DeadLetter
from shared.web.fields import Boolean, Text
from shared.web.pagination import MAX_LIMIT, limit_field

_EMPTY_ID = "admin.dead_letter.empty_id"


class NoChoice(Invalid):
    """The call has neither the id of a dead letter nor `all`."""

    codes = ("admin.dead_letter.missing_id", _EMPTY_ID)


def _queue() -> Text:
    return Text(empty="admin.dead_letter.empty_queue", maximum=255)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDeadLettersForm:
    """GET /admin/dead_letters/{queue}."""

    queue: str = declared(_queue())
    limit: int | None = declared(
        limit_field(),
        MAX_LIMIT,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChooseDeadLettersForm:
    """POST /admin/dead_letters/{queue}/replay, and DELETE: one by its id, or the oldest ones."""

    queue: str = declared(_queue())
    id: str | None = declared(Text(empty=_EMPTY_ID), None)
    all: bool | None = declared(Boolean(invalid="admin.dead_letter.non_boolean_all"), None)

    @property
    def chosen(self) -> str | None:
        """The id, None for all; raises `NoChoice`."""
        if self.id is None and not self.all:
            raise NoChoice
        return self.id


def letter_to_public(letter: DeadLetter) -> dict[str, Any]:
    """The `DeadLetter` of the public API."""
    return {
        "id": letter.event_id,
        "name": letter.name,
        "reason": letter.reason,
        "contents": letter.contents(),
    }


class NumberOfDeadLettersSchema(AnswerSchema):
    """A number of dead letters."""

    queue = fields.String()
    number = fields.Integer()


class DeadLetterSchema(AnswerSchema):
    """An event that could not be handled."""

    id = fields.String(metadata=described("The id of the message; an event's `jti`."))
    name = fields.String()
    reason = fields.String()
    contents = fields.Dict(
        allow_none=True,
        metadata=described(
            "What the message says, unverified, without secrets; null where it cannot be read."
        ),
    )
