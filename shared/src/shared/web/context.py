"""The context of a request: its id, the client's address, and what it changes."""

from collections.abc import Awaitable, Callable, Sequence

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from shared.contracts.changes import CHANGED_HEADER, begin_noting, noted, noted_here
from shared.values.addresses import Address, Network
from shared.web.client_address import client_address
from shared.web.request_ids import request_id

REQUEST_ID = web.RequestKey("request_id", str)
CLIENT_ADDRESS: web.RequestKey[Address] = web.RequestKey("client_address")

_REQUEST_ID_HEADER = "X-Request-Id"


async def nobody(_changes: str) -> None:
    """Publishes no changes."""


def request_context(
    trusted: Sequence[Network], publish: Callable[[str], Awaitable[None]] = nobody
) -> Middleware:
    """A middleware that gives each request an id, in its log lines and its answer.

    The answer names changes to its gateway in a header; `publish` publishes them to the other
    gateways.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        own_id = request_id(request.headers.get(_REQUEST_ID_HEADER, ""))
        request[REQUEST_ID] = own_id
        request[CLIENT_ADDRESS] = client_address(
            request.remote or "", request.headers.getall("X-Forwarded-For", ()), trusted
        )
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=own_id)
        begin_noting()
        response = await handler(request)
        if here := noted_here():
            await publish(here)
        if not response.prepared:
            response.headers[_REQUEST_ID_HEADER] = own_id
            if changed := noted():
                response.headers[CHANGED_HEADER] = changed
        return response

    return middleware
