"""Endpoints of the protocol over HTTP: their parameters, and errors as OAuth writes them."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import TypeAlias
from urllib.parse import parse_qsl

from aiohttp import web

from oauth_svc.protocol.errors import INVALID_REQUEST, OAuthError
from oauth_svc.protocol.parameters import Parameters
from shared.errors import UnsupportedEncoding
from shared.web.answers import answer
from shared.web.bodies import MAX_PARAMETERS, media_type, require_identity
from shared.web.errors import OUTCOME
from shared.web.operations import FormReader, NoParameters

Endpoint: TypeAlias = Callable[[web.Request, FormReader[NoParameters]], Awaitable[web.Response]]

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
MAX_BODY_BYTES = 64 * 1024
_FORM = "application/x-www-form-urlencoded"


async def parameters_of(request: web.Request) -> Parameters:
    """The parameters of a query, or of a form for POST; raises `OAuthError`."""
    if request.method != "POST":
        return Parameters(_pairs(request.rel_url.raw_query_string))
    try:
        require_identity(request.headers)
    except UnsupportedEncoding as refusal:
        raise encoded(INVALID_REQUEST, refusal) from None
    if media_type(request.headers.get("Content-Type", "")) != _FORM:
        raise OAuthError(INVALID_REQUEST, f"The body has to be {_FORM}.")
    body = await request.content.read(MAX_BODY_BYTES + 1)
    while len(body) <= MAX_BODY_BYTES and (more := await request.content.read(MAX_BODY_BYTES)):
        body += more
    if len(body) > MAX_BODY_BYTES:
        raise OAuthError(INVALID_REQUEST, "The body is too large.", status=413)
    try:
        return Parameters(_pairs(body.decode()))
    except UnicodeDecodeError:
        raise OAuthError(INVALID_REQUEST, "The body is not UTF-8.") from None


def encoded(error: str, refusal: UnsupportedEncoding) -> OAuthError:
    """The refusal of a body that is compressed, or encoded in another way."""
    description = "The body must have no Content-Encoding."
    return OAuthError(error, description, status=415, headers=refusal.headers)


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, errors="strict", max_num_fields=MAX_PARAMETERS)
    except ValueError:
        raise OAuthError(INVALID_REQUEST, "The parameters cannot be read.") from None


def protocol_endpoint(endpoint: Endpoint) -> Endpoint:
    """Answers errors of OAuth in JSON, uncached (RFC 6749, 5.2); a missing dependency is a 503."""

    @wraps(endpoint)
    async def wrapped(request: web.Request, form: FormReader[NoParameters]) -> web.Response:
        try:
            return await endpoint(request, form)
        except OAuthError as error:
            return error_answer(request, error)
        except web.RequestPayloadError:
            return error_answer(request, OAuthError(INVALID_REQUEST, "The body cannot be read."))

    return wrapped


def error_answer(request: web.Request, error: OAuthError) -> web.Response:
    """An error, in JSON."""
    request[OUTCOME] = error.error
    return answer(error.parameters(), status=error.status, headers={**NO_STORE, **error.headers})
