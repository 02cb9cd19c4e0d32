"""Pushed authorization requests: a client sends them, the browser has a reference (RFC 9126)."""

from dataclasses import replace

from oauth_svc.protocol.authorization import AuthorizationRequest, parse
from oauth_svc.protocol.client import Client
from oauth_svc.protocol.errors import INVALID_DPOP_PROOF, INVALID_REQUEST, OAuthError
from oauth_svc.protocol.parameters import Parameters

PUSHED_SECONDS = 60
"""How long a reference is good for."""

_PREFIX = "urn:ietf:params:oauth:request_uri:"


def parse_pushed(
    parameters: Parameters, client: Client, thumbprint: str | None = None
) -> AuthorizationRequest:
    """The request that an authenticated client pushes; raises `OAuthError`.

    A proof, whose key has this thumbprint, binds the code as `dpop_jkt` does (RFC 9449, 10.1).
    Its errors all go to the client, those about the redirect URI, too (RFC 9126, 2.3).
    """
    if parameters.get("request_uri") is not None:
        raise OAuthError(INVALID_REQUEST, "request_uri cannot be pushed.")
    if parameters.get("client_id") not in (None, client.client_id):
        raise OAuthError(INVALID_REQUEST, "client_id is another client's.")
    request = parse(parameters, client)
    if thumbprint is None:
        return request
    if request.dpop_jkt not in (None, thumbprint):
        raise OAuthError(INVALID_DPOP_PROOF, "dpop_jkt is of another key than the proof.")
    return replace(request, dpop_jkt=thumbprint)


def uri_of(reference: str) -> str:
    """The `request_uri` of a random reference."""
    return _PREFIX + reference


def reference_of(parameters: Parameters) -> str | None:
    """The reference that an authorization request has instead of parameters; None without one.

    Raises `OAuthError`. A `request_uri` of another kind is no reference, and is refused later.
    """
    uri = None if parameters.repeated("request_uri") else parameters.get("request_uri")
    return uri.removeprefix(_PREFIX) if uri is not None and uri.startswith(_PREFIX) else None
