"""What comes in to the operations on deliveries, and what goes out."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, fields, validate

from shared.answer_schemas import AnswerSchema
from shared.declared import declared
from shared.values.timestamps import milliseconds
from shared.web.fields import Boolean, Integer, Parameter
from shared.web.pagination import PageForm
from webhooks_svc.deliveries.models import (
    DELIVERED,
    FAILED,
    WAITING,
    Delivery,
    InvalidSpan,
    Outcome,
)
from webhooks_svc.endpoints.schemas import EndpointId

_INVALID_STATE = "admin.webhook.invalid_state"
_LAST_MOMENT = int(datetime(9999, 1, 1, tzinfo=UTC).timestamp())


class _State(Parameter):
    """`waiting`, `delivered` or `failed`."""

    def __init__(self) -> None:
        super().__init__(invalid=_INVALID_STATE)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        if value not in (WAITING, DELIVERED, FAILED):
            raise ValidationError([_INVALID_STATE])
        return str(value)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": [WAITING, DELIVERED, FAILED]}


def _moment(*, required: bool) -> Integer:
    return Integer(
        missing=("admin.webhook.missing_from",) if required else (),
        invalid=InvalidSpan.codes,
        maximum=_LAST_MOMENT,
        range_code=InvalidSpan.codes[0],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDeliveriesForm(PageForm):
    """GET /admin/webhooks/{id}/deliveries."""

    id: int = declared(EndpointId())
    state: str | None = declared(_State(), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryForm:
    """A delivery, by its id and that of its endpoint."""

    id: int = declared(EndpointId())
    delivery_id: int = declared(
        Integer(missing=("admin.webhook.missing_id",), minimum=1, maximum=2**63 - 1)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ResendForm:
    """POST /admin/webhooks/{id}/resend: a span of time, in seconds since the epoch."""

    id: int = declared(EndpointId())
    since: int = declared(_moment(required=True))
    until: int | None = declared(_moment(required=False), None)
    failed_only: bool | None = declared(Boolean(), True)

    @property
    def span(self) -> tuple[datetime, datetime]:
        """Its beginning and end; raises `InvalidSpan`."""
        since = datetime.fromtimestamp(self.since, UTC)
        until = datetime.now(UTC) if self.until is None else datetime.fromtimestamp(self.until, UTC)
        if since >= until:
            raise InvalidSpan
        return since, until


def delivery_to_public(delivery: Delivery) -> dict[str, Any]:
    """The `WebhookDelivery` of the public API."""
    return {
        "id": delivery.id,
        "event_id": str(delivery.event_id),
        "name": delivery.name,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "next_at": milliseconds(delivery.next_at) if delivery.state == WAITING else None,
        "status": delivery.status,
        "answer": delivery.answer,
        "error": delivery.error,
        "payload": delivery.payload,
        "created_at": milliseconds(delivery.created_at),
        "ended_at": delivery.ended_at and milliseconds(delivery.ended_at),
    }


def outcome_to_public(outcome: Outcome, seconds: float) -> dict[str, Any]:
    """The `WebhookTest` of the public API."""
    return {
        "succeeded": outcome.succeeded,
        "status": outcome.status,
        "answer": outcome.answer,
        "error": outcome.error,
        "milliseconds": round(seconds * 1000),
    }


class WebhookDeliverySchema(AnswerSchema):
    """A delivery of an event, with what the last attempt got."""

    id = fields.Integer()
    event_id = fields.String()
    name = fields.String()
    state = fields.String(validate=validate.OneOf((WAITING, DELIVERED, FAILED)))
    attempts = fields.Integer()
    next_at = fields.DateTime(allow_none=True)
    status = fields.Integer(allow_none=True)
    answer = fields.String(allow_none=True)
    error = fields.String(allow_none=True)
    payload = fields.String()
    created_at = fields.DateTime()
    ended_at = fields.DateTime(allow_none=True)


class WebhookTestSchema(AnswerSchema):
    """What a test delivery got."""

    succeeded = fields.Boolean()
    status = fields.Integer(allow_none=True)
    answer = fields.String(allow_none=True)
    error = fields.String(allow_none=True)
    milliseconds = fields.Integer()


class ResentDeliveriesSchema(AnswerSchema):
    """How many deliveries are sent again."""

    deliveries = fields.Integer()
