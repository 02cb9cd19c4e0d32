"""The parameters of the internal operations on keys."""

from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, fields, validate

from shared.answer_schemas import AnswerSchema
from shared.declared import declared


class _EventSchema(Schema):
    id = fields.UUID(required=True)
    name = fields.String(required=True)
    record = fields.Dict(required=True)
    changes = fields.Dict(required=True, allow_none=True)
    snapshot = fields.Dict(required=True, allow_none=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignEventsForm:
    """Events of another service, to be signed."""

    events: list[dict[str, Any]] = declared(fields.List(fields.Nested(_EventSchema), required=True))


class _TokenSchema(Schema):
    type = fields.String(required=True)
    claims = fields.Dict(keys=fields.String(), required=True)


MAX_TOKENS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class SignTokenForm:
    """Claims of tokens of another service, to be signed if the user `uid` may act."""

    tokens: list[dict[str, Any]] = declared(
        fields.List(
            fields.Nested(_TokenSchema), required=True, validate=validate.Length(1, MAX_TOKENS)
        )
    )
    uid: str | None = declared(fields.String(allow_none=True), None)


class KeySetSchema(AnswerSchema):
    """The public keys under which tokens and events verify (RFC 7517)."""

    keys = fields.List(fields.Raw(metadata={"type": "object"}))
