"""What a client says about itself: in a registration (RFC 7591), or in its metadata document."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from oauth_svc.protocol.client import (
    AUTHORIZATION_CODE,
    MAX_URI,
    PRIVATE_KEY_JWT,
    REFRESH_TOKEN,
    Client,
    is_web_uri,
    sound_redirect_uri,
)
from oauth_svc.protocol.errors import (
    INVALID_CLIENT_METADATA,
    INVALID_REDIRECT_URI,
    INVALID_SOFTWARE_STATEMENT,
    UNAPPROVED_SOFTWARE_STATEMENT,
    OAuthError,
)

MAX_NAME = 100
_MAX_LIST = 20
_MAX_KEYS = 10
_MAX_MEMBER = 2048
_DOTS_OF_A_JWT = 2
_GRANT_TYPES = (AUTHORIZATION_CODE, REFRESH_TOKEN)
"""Machines are registered by administrators only."""

_PUBLIC_MEMBERS = ("kty", "crv", "x", "y", "n", "e", "kid", "alg", "use")
"""What is stored of a public key (RFC 7518, 6; RFC 7517, 4); a private one is refused before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What clients may have that no administrator has registered."""

    scopes: Sequence[str]
    resources: Sequence[str]
    methods: Collection[str]
    default_method: str
    access_seconds: int
    refresh_seconds: int


def values_of(metadata: Mapping[str, Any], terms: Terms) -> dict[str, Any]:
    """The fields of a `Client` but its id; raises `OAuthError`.

    Values that are not allowed are left out where something allowed is left (RFC 7591, 2): scopes,
    grant types and response types. Unknown metadata are ignored.
    """
    _refuse_statement(metadata)
    redirect_uris = _redirect_uris(metadata)
    method = metadata.get("token_endpoint_auth_method", terms.default_method)
    if method not in terms.methods:
        raise _invalid("token_endpoint_auth_method")
    grant_types = _words(metadata, "grant_types", (AUTHORIZATION_CODE,))
    if AUTHORIZATION_CODE not in grant_types:
        raise _invalid("grant_types")
    if "code" not in _words(metadata, "response_types", ("code",)):
        raise _invalid("response_types")
    return {
        "name": _name(metadata, redirect_uris[0]),
        "authentication": method,
        "redirect_uris": redirect_uris,
        "post_logout_redirect_uris": _words(metadata, "post_logout_redirect_uris", ()),
        "grant_types": [each for each in _GRANT_TYPES if each in grant_types],
        "scopes": _scopes(metadata, terms.scopes),
        "resources": list(terms.resources),
        "first_party": False,
        **_keys(metadata, method),
        "backchannel_logout_uri": _text(metadata, "backchannel_logout_uri"),
        "dpop_bound_access_tokens": _truth(metadata, "dpop_bound_access_tokens"),
        "access_token_seconds": terms.access_seconds,
        "refresh_token_seconds": terms.refresh_seconds,
    }


def metadata_of(client: Client) -> dict[str, Any]:
    """What is registered of a client, under the names of RFC 7591."""
    shown = {
        "client_id": client.client_id,
        "client_name": client.name,
        "token_endpoint_auth_method": client.authentication,
        "redirect_uris": list(client.redirect_uris),
        "post_logout_redirect_uris": list(client.post_logout_redirect_uris),
        "grant_types": list(client.grant_types),
        "response_types": ["code"],
        "scope": " ".join(client.scopes),
        "jwks": client.jwks,
        "jwks_uri": client.jwks_uri,
        "backchannel_logout_uri": client.backchannel_logout_uri,
        "dpop_bound_access_tokens": client.dpop_bound_access_tokens,
    }
    return {name: value for name, value in shown.items() if value is not None}


def _refuse_statement(metadata: Mapping[str, Any]) -> None:
    """Raises `OAuthError` for a software statement (RFC 7591, 2.3): nobody's are approved here.

    Its claims would have to win over the other metadata, so that it is not ignored.
    """
    statement = metadata.get("software_statement")
    if statement is None:
        return
    if not isinstance(statement, str) or statement.count(".") != _DOTS_OF_A_JWT:
        raise OAuthError(INVALID_SOFTWARE_STATEMENT, "The software statement is no signed JWT.")
    raise OAuthError(UNAPPROVED_SOFTWARE_STATEMENT, "Software statements are not supported.")


def _redirect_uris(metadata: Mapping[str, Any]) -> list[str]:
    uris = metadata.get("redirect_uris")
    if (
        not isinstance(uris, list)
        or not 0 < len(uris) <= _MAX_LIST
        or not all(
            isinstance(uri, str) and sound_redirect_uri(uri) and is_web_uri(uri) for uri in uris
        )
    ):
        raise OAuthError(INVALID_REDIRECT_URI, "redirect_uris need https, or http on loopback.")
    return list(dict.fromkeys(uris))


def _name(metadata: Mapping[str, Any], redirect_uri: str) -> str:
    """The name, or the host of a redirect URI; without what changes how other text is shown."""
    name = metadata.get("client_name", urlsplit(redirect_uri).hostname or "")
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name.strip()) <= MAX_NAME:
        raise _invalid("client_name")
    return name.strip()


def _scopes(metadata: Mapping[str, Any], allowed: Sequence[str]) -> list[str]:
    given = metadata.get("scope")
    if given is None:
        return list(allowed)
    if not isinstance(given, str):
        raise _invalid("scope")
    asked = set(given.split(" "))
    scopes = [scope for scope in allowed if scope in asked]
    if not scopes:
        raise _invalid("scope")
    return scopes


def _keys(metadata: Mapping[str, Any], method: str) -> dict[str, Any]:
    """The public keys of a client that signs, or their address, never both (RFC 7591, 2)."""
    uri, jwks = _text(metadata, "jwks_uri"), metadata.get("jwks")
    if uri is not None and jwks is not None:
        raise _invalid("jwks_uri")
    if method != PRIVATE_KEY_JWT:
        return {"jwks": None, "jwks_uri": None}
    if uri is not None:
        return {"jwks": None, "jwks_uri": uri}
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(keys, list) or not 0 < len(keys) <= _MAX_KEYS:
        raise _invalid("jwks")
    return {"jwks": {"keys": [_public_key(key) for key in keys]}, "jwks_uri": None}


def _public_key(key: Any) -> dict[str, str]:
    if not isinstance(key, dict) or "d" in key or "k" in key:
        raise _invalid("jwks")
    members = {name: key[name] for name in _PUBLIC_MEMBERS if name in key}
    if not all(isinstance(each, str) and _is_short(each) for each in members.values()):
        raise _invalid("jwks")
    return members


def _words(metadata: Mapping[str, Any], name: str, default: Sequence[str]) -> list[str]:
    words = metadata.get(name, list(default))
    if (
        not isinstance(words, list)
        or len(words) > _MAX_LIST
        or not all(isinstance(word, str) and len(word) <= MAX_URI for word in words)
    ):
        raise _invalid(name)
    return list(dict.fromkeys(words))


def _truth(metadata: Mapping[str, Any], name: str) -> bool:
    value = metadata.get(name, False)
    if not isinstance(value, bool):
        raise _invalid(name)
    return value


def _text(metadata: Mapping[str, Any], name: str) -> str | None:
    text = metadata.get(name)
    if text is not None and not (isinstance(text, str) and _is_short(text)):
        raise _invalid(name)
    return text


def _is_short(text: str) -> bool:
    return len(text) <= _MAX_MEMBER and text.isascii() and text.isprintable()


def _invalid(name: str) -> OAuthError:
    return OAuthError(INVALID_CLIENT_METADATA, f"{name} is missing, or not supported.")
