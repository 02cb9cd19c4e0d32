"""What comes in to the operations on clients, and what goes out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError, fields, validate

from oauth_svc.clients.models import MAX_LIST, RegisteredClient
from oauth_svc.protocol.claims import STANDARD_SCOPES
from oauth_svc.protocol.client import (
    AUTHENTICATION_METHODS,
    AUTHORIZATION_CODE,
    GRANT_TYPES,
    MAX_URI,
    REFRESH_TOKEN,
    REGISTERED_BY,
    SECRET_BASIC,
)
from shared.answer_schemas import AnswerSchema, described
from shared.declared import declared
from shared.values.timestamps import milliseconds
from shared.web.fields import Boolean, Integer, Parameter, Text
from shared.web.pagination import PageForm

_MAX_SECONDS = 10**8


class _Words(Parameter):
    """Texts that commas separate, or a list of them in JSON."""

    def __init__(self, code: str) -> None:
        super().__init__(invalid=f"admin.oauth_client.invalid_{code}")

    def blank(self, value: str | None) -> list[str] | None:
        return None if value is None else []

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[str]:
        words = value.split(",") if isinstance(value, str) else value
        if (
            not isinstance(words, list)
            or len(words) > MAX_LIST
            or not all(isinstance(word, str) and len(word) <= MAX_URI for word in words)
        ):
            raise self.refuse()
        return list(dict.fromkeys(word.strip() for word in words))

    def json_schema(self) -> dict[str, Any]:
        return {"type": ["string", "array"], "items": {"type": "string"}}


class _Keys(Parameter):
    """A JSON Web Key Set, as an object."""

    def __init__(self) -> None:
        super().__init__(invalid="admin.oauth_client.invalid_jwks")

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise self.refuse()
        return value

    def json_schema(self) -> dict[str, Any]:
        return {"type": "object"}


class _Method(Parameter):
    """How the client authenticates at the token endpoint."""

    def __init__(self) -> None:
        super().__init__(invalid="admin.oauth_client.invalid_authentication")

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        if value not in AUTHENTICATION_METHODS:
            raise ValidationError([self.invalid])
        return str(value)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(AUTHENTICATION_METHODS)}


def _client_id() -> Text:
    return Text(missing=("admin.oauth_client.missing_id",), maximum=64)


def _name(*, required: bool) -> Text:
    missing = ("admin.oauth_client.missing_name",) if required else ()
    return Text(missing=missing, maximum=100)


def _address_of_keys() -> Text:
    return Text(invalid="admin.oauth_client.invalid_jwks_uri", maximum=MAX_URI)


def _seconds() -> Integer:
    return Integer(minimum=1, maximum=_MAX_SECONDS)


def _logout_uri() -> Text:
    return Text(invalid="admin.oauth_client.invalid_backchannel_logout_uri", maximum=MAX_URI)


_FIELDS = (
    *("name", "authentication", "redirect_uris", "post_logout_redirect_uris", "grant_types"),
    *("scopes", "resources", "first_party", "jwks", "backchannel_logout_uri"),
    *("access_token_seconds", "refresh_token_seconds", "exchange_resources"),
    *("dpop_bound_access_tokens", "jwks_uri"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateClientForm:
    """POST /admin/oauth_clients."""

    name: str = declared(_name(required=True))
    authentication: str | None = declared(_Method(), SECRET_BASIC)
    redirect_uris: list[str] | None = declared(_Words("redirect_uris"), None)
    post_logout_redirect_uris: list[str] | None = declared(
        _Words("post_logout_redirect_uris"), None
    )
    grant_types: list[str] | None = declared(_Words("grant_types"), None)
    scopes: list[str] | None = declared(_Words("scopes"), None)
    resources: list[str] | None = declared(_Words("resources"), None)
    exchange_resources: list[str] | None = declared(_Words("exchange_resources"), None)
    first_party: bool | None = declared(Boolean(), None)
    jwks: Mapping[str, Any] | None = declared(_Keys(), None)
    jwks_uri: str | None = declared(_address_of_keys(), None)
    backchannel_logout_uri: str | None = declared(_logout_uri(), None)
    access_token_seconds: int | None = declared(_seconds(), None)
    refresh_token_seconds: int | None = declared(_seconds(), None)
    dpop_bound_access_tokens: bool | None = declared(Boolean(), None)

    def wanted(self, access_seconds: int, refresh_seconds: int) -> dict[str, Any]:
        """The client, with what holds where nothing is given."""
        return {
            "name": self.name,
            "authentication": self.authentication or SECRET_BASIC,
            "redirect_uris": self.redirect_uris or [],
            "post_logout_redirect_uris": self.post_logout_redirect_uris or [],
            "grant_types": self.grant_types or [AUTHORIZATION_CODE, REFRESH_TOKEN],
            "scopes": self.scopes or list(STANDARD_SCOPES),
            "resources": self.resources or [],
            "exchange_resources": self.exchange_resources or [],
            "first_party": bool(self.first_party),
            "jwks": self.jwks,
            "jwks_uri": self.jwks_uri or None,
            "backchannel_logout_uri": self.backchannel_logout_uri or None,
            "access_token_seconds": self.access_token_seconds or access_seconds,
            "refresh_token_seconds": self.refresh_token_seconds or refresh_seconds,
            "dpop_bound_access_tokens": bool(self.dpop_bound_access_tokens),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeClientForm:
    """PUT /admin/oauth_clients/{client_id}; what is absent stays as it is."""

    client_id: str = declared(_client_id())
    name: str | None = declared(_name(required=False), None)
    authentication: str | None = declared(_Method(), None)
    redirect_uris: list[str] | None = declared(_Words("redirect_uris"), None)
    post_logout_redirect_uris: list[str] | None = declared(
        _Words("post_logout_redirect_uris"), None
    )
    grant_types: list[str] | None = declared(_Words("grant_types"), None)
    scopes: list[str] | None = declared(_Words("scopes"), None)
    resources: list[str] | None = declared(_Words("resources"), None)
    exchange_resources: list[str] | None = declared(_Words("exchange_resources"), None)
    first_party: bool | None = declared(Boolean(), None)
    jwks: Mapping[str, Any] | None = declared(_Keys(), None)
    jwks_uri: str | None = declared(_address_of_keys(), None)
    backchannel_logout_uri: str | None = declared(_logout_uri(), None)
    access_token_seconds: int | None = declared(_seconds(), None)
    refresh_token_seconds: int | None = declared(_seconds(), None)
    dpop_bound_access_tokens: bool | None = declared(Boolean(), None)

    @property
    def given(self) -> dict[str, Any]:
        """The values to set, by field; a blank log-out URI removes it.

        Keys and their address replace each other.
        """
        values = {name: getattr(self, name) for name in _FIELDS}
        given = {name: value for name, value in values.items() if value not in (None, "")}
        if self.backchannel_logout_uri == "":
            given["backchannel_logout_uri"] = None
        for name, other in (("jwks", "jwks_uri"), ("jwks_uri", "jwks")):
            if name in given:
                given.setdefault(other, None)
        return given


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientForm:
    """A client, by its id."""

    client_id: str = declared(_client_id())


@dataclass(frozen=True, slots=True, kw_only=True)
class ListClientsForm(PageForm):
    """GET /admin/oauth_clients."""


def to_public(registered: RegisteredClient) -> dict[str, Any]:
    """The `OAuthClient` of the public API; its secret is shown only when it is made."""
    client = registered.client
    return {
        "client_id": client.client_id,
        "reference": client.reference,
        "name": client.name,
        "authentication": client.authentication,
        "redirect_uris": list(client.redirect_uris),
        "post_logout_redirect_uris": list(client.post_logout_redirect_uris),
        "grant_types": list(client.grant_types),
        "scopes": list(client.scopes),
        "resources": list(client.resources),
        "exchange_resources": list(client.exchange_resources),
        "first_party": client.first_party,
        "jwks": client.jwks,
        "jwks_uri": client.jwks_uri,
        "backchannel_logout_uri": client.backchannel_logout_uri,
        "access_token_seconds": client.access_token_seconds,
        "refresh_token_seconds": client.refresh_token_seconds,
        "dpop_bound_access_tokens": client.dpop_bound_access_tokens,
        "registered_by": client.registered_by,
        "created_at": milliseconds(registered.created_at),
        "updated_at": milliseconds(registered.updated_at),
    }


class OAuthClientSchema(AnswerSchema):
    """A client of the OAuth provider."""

    client_id = fields.String()
    reference = fields.String(
        metadata=described("The `client_id` of paths: a digest of it if the id is a URL.")
    )
    name = fields.String(metadata=described("As users see it when they consent."))
    authentication = fields.String(validate=validate.OneOf(AUTHENTICATION_METHODS))
    redirect_uris = fields.List(fields.String())
    post_logout_redirect_uris = fields.List(fields.String())
    grant_types = fields.List(fields.String(validate=validate.OneOf(GRANT_TYPES)))
    scopes = fields.List(fields.String(), metadata=described("What the client may ask for."))
    resources = fields.List(
        fields.String(), metadata=described("Audiences that it may ask tokens for (RFC 8707).")
    )
    exchange_resources = fields.List(
        fields.String(),
        metadata=described("Audiences for which it may exchange tokens (RFC 8693)."),
    )
    first_party = fields.Boolean(metadata=described("Whether users need not consent."))
    jwks = fields.Raw(
        allow_none=True,
        metadata=described("Public keys, for private_key_jwt.", type="object"),
    )
    jwks_uri = fields.String(
        allow_none=True,
        metadata=described("Where the public keys are, if `jwks` has them not; they are fetched."),
    )
    backchannel_logout_uri = fields.String(allow_none=True)
    access_token_seconds = fields.Integer()
    refresh_token_seconds = fields.Integer(
        metadata=described("An unused refresh token ends after so many seconds.")
    )
    dpop_bound_access_tokens = fields.Boolean(
        metadata=described("Whether all its tokens have to be bound to a key (RFC 9449).")
    )
    registered_by = fields.String(
        validate=validate.OneOf(REGISTERED_BY),
        metadata=described(
            "An administrator, somebody who had an initial access token, or nobody: the client's "
            "id is the URL of its metadata document."
        ),
    )
    created_at = fields.DateTime()
    updated_at = fields.DateTime()


class OAuthClientWithSecretSchema(OAuthClientSchema):
    """A client with its new secret, which is shown only here; null for clients without one."""

    client_secret = fields.String(allow_none=True)
