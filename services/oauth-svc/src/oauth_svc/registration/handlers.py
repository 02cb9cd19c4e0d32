"""The registration endpoint, and the one of each client that it made."""

from typing import Any

from aiohttp import web

from oauth_svc.clients.models import RegisteredClient
from oauth_svc.protocol.errors import INVALID_CLIENT_METADATA, OAuthError
from oauth_svc.protocol_http import NO_STORE, encoded, protocol_endpoint
from oauth_svc.registration.schemas import Managed, to_registered
from oauth_svc.registration.use_cases import Registrations
from shared.errors import Malformed, TooLarge, UnsupportedContent, UnsupportedEncoding
from shared.tokens.bearer import BadBearerToken
from shared.web.answers import answer
from shared.web.bodies import media_type, read_body
from shared.web.operations import FormReader, NoParameters
from shared.web.principal import bearer_token, presents_bearer

REGISTRATIONS = web.AppKey("registrations", Registrations)

_MAX_BODY_BYTES = 16 * 1024


@protocol_endpoint
async def register(request: web.Request, _form: FormReader[NoParameters]) -> web.Response:
    """POST /oauth/register (RFC 7591)."""
    registrations, token = request.app[REGISTRATIONS], _token(request)
    made, secret, access_token = await registrations.register(token, await _metadata(request))
    return _answer(request, made, secret, access_token, 201)


@protocol_endpoint
async def show(request: web.Request, _form: FormReader[NoParameters]) -> web.Response:
    """GET /oauth/register/{client_id} (RFC 7592, 2.1)."""
    token = _token(request)
    found = await request.app[REGISTRATIONS].get(_client_id(request), token)
    return _answer(request, found, None, token or "")


@protocol_endpoint
async def replace(request: web.Request, _form: FormReader[NoParameters]) -> web.Response:
    """PUT /oauth/register/{client_id} (RFC 7592, 2.2)."""
    token, metadata = _token(request), await _metadata(request)
    registrations = request.app[REGISTRATIONS]
    after, secret = await registrations.replace(_client_id(request), token, metadata)
    return _answer(request, after, secret, token or "")


@protocol_endpoint
async def delete(request: web.Request, _form: FormReader[NoParameters]) -> web.Response:
    """DELETE /oauth/register/{client_id} (RFC 7592, 2.3)."""
    await request.app[REGISTRATIONS].delete(_client_id(request), _token(request))
    return web.Response(status=204, headers=NO_STORE)


def _answer(
    request: web.Request,
    registered: RegisteredClient,
    secret: str | None,
    token: str,
    status: int = 200,
) -> web.Response:
    uri = request.app[REGISTRATIONS].uri_of(registered)
    shown = to_registered(registered, secret, Managed(uri=uri, token=token))
    return answer(shown, status=status, headers=NO_STORE)


def _client_id(request: web.Request) -> str:
    return request.match_info["client_id"]


def _token(request: web.Request) -> str | None:
    """The bearer token; None without one, or for a header that cannot be read."""
    if not presents_bearer(request.headers):
        return None
    try:
        return bearer_token(request.headers)
    except BadBearerToken:
        return None


async def _metadata(request: web.Request) -> dict[str, Any]:
    """The JSON object of the body; raises `OAuthError`."""
    if media_type(request.headers.get("Content-Type", "")) != "application/json":
        raise OAuthError(INVALID_CLIENT_METADATA, "The body has to be application/json.")
    try:
        read = await read_body(request.headers, request.content, _MAX_BODY_BYTES)
    except TooLarge:
        raise OAuthError(INVALID_CLIENT_METADATA, "The body is too large.", status=413) from None
    except UnsupportedEncoding as refusal:
        raise encoded(INVALID_CLIENT_METADATA, refusal) from None
    except (Malformed, UnsupportedContent):
        raise OAuthError(INVALID_CLIENT_METADATA, "The body cannot be read.") from None
    if not isinstance(read, dict):
        raise OAuthError(INVALID_CLIENT_METADATA, "The body has to be an object.")
    return read
