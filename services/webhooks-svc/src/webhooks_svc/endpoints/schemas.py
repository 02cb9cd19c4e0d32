"""What comes in to the operations on endpoints, and what goes out."""

from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError, fields, validate

from shared.answer_schemas import AnswerSchema, described
from shared.declared import declared
from shared.values.timestamps import milliseconds
from shared.web.fields import Integer, Parameter, Text
from shared.web.pagination import PageForm
from webhooks_svc.endpoints.models import (
    ACTIVE,
    DISABLED,
    MAX_DESCRIPTION,
    MAX_URL,
    Endpoint,
    InvalidUrl,
    UnknownEvents,
    Wanted,
)

_INVALID_STATE = "admin.webhook.invalid_state"


class EndpointId(Integer):
    """The id of an endpoint, in the path."""

    def __init__(self) -> None:
        super().__init__(missing=("admin.webhook.missing_id",), minimum=1, maximum=2**63 - 1)


class _Events(Parameter):
    """Comma separated names and patterns of events, or a list of them in JSON."""

    def __init__(self, *, required: bool) -> None:
        super().__init__(
            missing=("admin.webhook.missing_events",) if required else (),
            invalid=UnknownEvents.codes[0],
        )

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[str]:
        words = value.split(",") if isinstance(value, str) else value
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise self.refuse()
        return list(dict.fromkeys(word.strip() for word in words))

    def json_schema(self) -> dict[str, Any]:
        return {"type": ["string", "array"], "items": {"type": "string"}}


class _State(Parameter):
    """`active` or `disabled`."""

    def __init__(self) -> None:
        super().__init__(invalid=_INVALID_STATE)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        if value not in (ACTIVE, DISABLED):
            raise ValidationError([_INVALID_STATE])
        return str(value)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": [ACTIVE, DISABLED]}


def _url(*, required: bool) -> Text:
    return Text(
        missing=("admin.webhook.missing_url",) if required else (),
        flawed=InvalidUrl.codes[0],
        maximum=MAX_URL,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateEndpointForm:
    """POST /admin/webhooks."""

    url: str = declared(_url(required=True))
    events: list[str] = declared(_Events(required=True))
    description: str | None = declared(Text(maximum=MAX_DESCRIPTION), "")
    state: str | None = declared(_State(), ACTIVE)

    @property
    def wanted(self) -> Wanted:
        """The endpoint."""
        return Wanted(
            url=self.url,
            description=self.description or "",
            events=self.events,
            state=self.state or ACTIVE,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeEndpointForm:
    """PUT /admin/webhooks/{id}; what is absent stays as it is."""

    id: int = declared(EndpointId())
    url: str | None = declared(_url(required=False), None)
    events: list[str] | None = declared(_Events(required=False), None)
    description: str | None = declared(Text(maximum=MAX_DESCRIPTION), None)
    state: str | None = declared(_State(), None)

    @property
    def given(self) -> dict[str, Any]:
        """The values to set, by field."""
        values = {
            "url": self.url,
            "events": self.events,
            "description": self.description,
            "state": self.state,
        }
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointForm:
    """An endpoint, by its id."""

    id: int = declared(EndpointId())


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEndpointsForm(PageForm):
    """GET /admin/webhooks."""


def endpoint_to_public(endpoint: Endpoint) -> dict[str, Any]:
    """The `Webhook` of the public API; its secret is shown only when it is made."""
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "description": endpoint.description,
        "events": list(endpoint.events),
        "state": endpoint.state,
        "disabled_reason": endpoint.disabled_reason,
        "failing_since": endpoint.failing_since and milliseconds(endpoint.failing_since),
        "created_at": milliseconds(endpoint.created_at),
        "updated_at": milliseconds(endpoint.updated_at),
    }


class WebhookSchema(AnswerSchema):
    """An endpoint to which events are delivered."""

    id = fields.Integer()
    url = fields.String()
    description = fields.String()
    events = fields.List(fields.String())
    state = fields.String(validate=validate.OneOf((ACTIVE, DISABLED)))
    disabled_reason = fields.String(
        allow_none=True,
        metadata=described("Why the service disabled it: gone, failing or crowded."),
    )
    failing_since = fields.DateTime(
        allow_none=True,
        metadata=described("Since when no delivery has succeeded, while deliveries fail."),
    )
    created_at = fields.DateTime()
    updated_at = fields.DateTime()


class WebhookWithSecretSchema(WebhookSchema):
    """An endpoint with the secret by which deliveries are verified (Standard Webhooks)."""

    secret = fields.String()
