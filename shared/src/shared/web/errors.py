"""The one table of refusals and their answers."""

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from shared.errors import (
    BadRequest,
    Conflict,
    ExpectationFailed,
    Forbidden,
    HeadersTooLarge,
    Invalid,
    Malformed,
    Missing,
    NotFound,
    Refusal,
    Throttled,
    TooLarge,
    Unauthenticated,
    Unavailable,
    UnsupportedContent,
    UriTooLong,
)
from shared.reasons import reason_of

STATUSES: dict[type[Refusal], int] = {
    Malformed: 400,
    Missing: 400,
    BadRequest: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    TooLarge: 413,
    UriTooLong: 414,
    UnsupportedContent: 415,
    ExpectationFailed: 417,
    Invalid: 422,
    Throttled: 429,
    HeadersTooLarge: 431,
    Unavailable: 503,
}

_MEANINGS: dict[type[web.HTTPException], type[Refusal]] = {
    web.HTTPRequestEntityTooLarge: TooLarge,
    web.HTTPExpectationFailed: ExpectationFailed,
}

OUTCOME = web.RequestKey("outcome", str)
"""The code of a refusal, for the log line and the metrics of the request."""

log = structlog.get_logger()


def status_of(refusal: Refusal | type[Refusal]) -> int:
    """The status of a refusal: its own, or that of the nearest kind it is derived from."""
    kind = refusal if isinstance(refusal, type) else type(refusal)
    return refusal.status or next(STATUSES[each] for each in kind.__mro__ if each in STATUSES)


def refused(refusal: Refusal) -> web.Response:
    """The answer to a refusal."""
    response = web.json_response(
        {"errors": list(refusal.codes)}, status=status_of(refusal), headers=refusal.headers
    )
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def translated(error: web.HTTPException) -> web.Response:
    """Our answer in place of one of aiohttp's, which may repeat what the client sent."""
    if isinstance(error, web.HTTPNotFound | web.HTTPMethodNotAllowed):
        return web.json_response({"error": "Route is not found"}, status=404)
    return refused(_MEANINGS.get(type(error), Malformed)())


def failed() -> web.Response:
    """The answer to an unforeseen error, without details."""
    return web.json_response({"errors": ["server.internal_error"]}, status=500)


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns refusals, unknown routes and unforeseen errors into answers that leak nothing."""
    try:
        return await handler(request)
    except Refusal as refusal:
        request[OUTCOME] = ",".join(refusal.codes)
        if isinstance(refusal, Unavailable):
            log.warning(
                "dependency_unavailable",
                dependency=refusal.dependency,
                reason=reason_of(refusal.__cause__) or None,
            )
        return refused(refusal)
    except web.HTTPException as error:
        return translated(error)
    except Exception:
        log.exception("unforeseen_error")
        request[OUTCOME] = "server.internal_error"
        return failed()
