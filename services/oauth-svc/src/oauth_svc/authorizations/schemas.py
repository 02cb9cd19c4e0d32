"""What comes in to the operations on challenges, and what goes out."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from marshmallow import ValidationError, fields, validate

from oauth_svc.authorizations.models import ACCEPT, CONSENT, LOGIN, REFUSE, Shown
from shared.answer_schemas import AnswerSchema, described
from shared.declared import declared
from shared.values.timestamps import milliseconds
from shared.web.fields import Parameter, Text


class Word(Parameter):
    """One of a few words; required. Its codes begin with `prefix`."""

    def __init__(self, prefix: str, name: str, *words: str) -> None:
        super().__init__(missing=(f"{prefix}.missing_{name}",), invalid=f"{prefix}.invalid_{name}")
        self.words = words

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        if value not in self.words:
            raise ValidationError([self.invalid])
        return str(value)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.words)}


def _challenge() -> Text:
    return Text(missing=("oauth.challenge.missing_id",), maximum=128)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeForm:
    """GET /identity/oauth/challenges/{id}."""

    id: str = declared(_challenge())


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerChallengeForm:
    """POST /identity/oauth/challenges/{id}."""

    id: str = declared(_challenge())
    kind: str = declared(Word("oauth.challenge", "kind", LOGIN, CONSENT))
    action: str = declared(Word("oauth.challenge", "action", ACCEPT, REFUSE))


def to_public(shown: Shown) -> dict[str, Any]:
    """The `OAuthChallenge` of the public API."""
    request = shown.challenge.request
    return {
        "kind": shown.kind,
        "client_id": shown.client.client_id,
        "client_name": shown.client.name,
        "client_host": shown.client.host,
        "redirect_uri": request.redirect_uri,
        "redirect_host": urlsplit(request.redirect_uri).hostname,
        "first_party": shown.client.first_party,
        "scopes": list(request.scopes),
        "login_hint": request.login_hint,
        "acr_values": list(request.claims.acr or request.acr_values),
        "ui_locales": list(request.ui_locales),
        "expires_at": milliseconds(shown.challenge.expires_at),
    }


class OAuthChallengeSchema(AnswerSchema):
    """What a page has to ask a user for, before a client gets an answer."""

    kind = fields.String(
        allow_none=True,
        validate=validate.OneOf((LOGIN, CONSENT)),
        metadata=described("`login`: the user logs in, maybe once more. null: nothing is left."),
    )
    client_id = fields.String()
    client_name = fields.String()
    client_host = fields.String(
        allow_none=True,
        metadata=described(
            "The host that publishes the client's metadata document: show it, because the name "
            "may be anything. null: the client was registered here."
        ),
    )
    redirect_uri = fields.String(
        metadata=described(
            "Where the answer goes. A page whose form ends there needs its origin in the directive "
            "`form-action` of its Content-Security-Policy: browsers check redirects, too."
        )
    )
    redirect_host = fields.String(
        allow_none=True, metadata=described("Its host; null for the scheme of an app.")
    )
    first_party = fields.Boolean()
    scopes = fields.List(fields.String())
    login_hint = fields.String(allow_none=True)
    acr_values = fields.List(
        fields.String(), metadata=described("The classes of log-in that the client prefers.")
    )
    ui_locales = fields.List(fields.String())
    expires_at = fields.DateTime()


class RedirectSchema(AnswerSchema):
    """Where the browser goes on."""

    redirect_to = fields.String()
