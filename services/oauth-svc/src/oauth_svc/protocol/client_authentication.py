"""How a client says who it is at the token endpoint and its siblings (RFC 6749, 2.3)."""

import base64
import binascii
import json
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from oauth_svc.protocol.client import NONE, PRIVATE_KEY_JWT, SECRET_BASIC, SECRET_POST
from oauth_svc.protocol.errors import INVALID_REQUEST, InvalidClient, OAuthError
from oauth_svc.protocol.parameters import Parameters

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a client brings: a secret, an assertion, or its name alone."""

    client_id: str
    method: str
    secret: str | None = field(default=None, repr=False)
    assertion: str | None = field(default=None, repr=False)


def credentials_of(parameters: Parameters, authorization: str | None) -> Credentials:
    """The client's credentials; raises `InvalidClient`, or `OAuthError` for two at once."""
    client_id = parameters.get("client_id")
    secret = parameters.get("client_secret")
    assertion = parameters.get("client_assertion")
    basic = authorization is not None and authorization[:6].lower() == "basic "
    if sum((basic, secret is not None, assertion is not None)) > 1:
        raise OAuthError(INVALID_REQUEST, "More than one way of client authentication.")
    if basic and authorization is not None:
        found = _basic(authorization)
        if client_id not in (None, found.client_id):
            raise InvalidClient
        return found
    if assertion is not None:
        return _assertion(parameters, assertion, client_id)
    if client_id is None:
        raise InvalidClient("No client authentication is given.")
    if secret is not None:
        return Credentials(client_id=client_id, method=SECRET_POST, secret=secret)
    return Credentials(client_id=client_id, method=NONE)


def _basic(authorization: str) -> Credentials:
    """Both parts are form-encoded inside (RFC 6749, 2.3.1)."""
    try:
        text = base64.b64decode(authorization[6:].strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidClient from None
    name, colon, secret = text.partition(":")
    if not colon:
        raise InvalidClient
    return Credentials(
        client_id=unquote_plus(name), method=SECRET_BASIC, secret=unquote_plus(secret)
    )


def _assertion(parameters: Parameters, assertion: str, client_id: str | None) -> Credentials:
    if parameters.get("client_assertion_type") != ASSERTION_TYPE:
        raise InvalidClient
    subject = _unverified_subject(assertion)
    if subject is None or client_id not in (None, subject):
        raise InvalidClient
    return Credentials(client_id=subject, method=PRIVATE_KEY_JWT, assertion=assertion)


def _unverified_subject(assertion: str) -> str | None:
    """Whose keys have to verify the assertion; nothing else is believed of it."""
    parts = assertion.split(".")
    try:
        payload = parts[1] + "=" * (-len(parts[1]) % 4)
        subject = json.loads(base64.urlsafe_b64decode(payload))["sub"]
    except (IndexError, ValueError, TypeError, KeyError, RecursionError):
        return None
    return subject if isinstance(subject, str) else None
