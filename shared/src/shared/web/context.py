"""What is known of a request before it is looked at: its id and the client's address."""

import random
import re
from collections.abc import Sequence

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from shared.web.client_address import Address, Network, client_address

REQUEST_ID = web.RequestKey("request_id", str)
CLIENT_ADDRESS: web.RequestKey[Address] = web.RequestKey("client_address")

_REQUEST_ID_HEADER = "X-Request-Id"
_ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_random = random.Random()  # noqa: S311 - ids are to be unique, and need not be secret


def request_id(offered: str) -> str:
    """The id that a client offers, where it is one; else a new one."""
    if offered and _ACCEPTED_ID.fullmatch(offered):
        return offered
    return _random.getrandbits(128).to_bytes(16).hex()


def request_context(trusted: Sequence[Network]) -> Middleware:
    """A middleware that gives each request an id, in its log lines and its answer."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        own_id = request_id(request.headers.get(_REQUEST_ID_HEADER, ""))
        request[REQUEST_ID] = own_id
        request[CLIENT_ADDRESS] = client_address(
            request.remote or "", request.headers.getall("X-Forwarded-For", ()), trusted
        )
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=own_id)
        response = await handler(request)
        if not response.prepared:
            response.headers[_REQUEST_ID_HEADER] = own_id
        return response

    return middleware
