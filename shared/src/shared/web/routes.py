"""Routes as data: each URL with its operation and its callers."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from shared.tokens.bearer import BearerVerifier
from shared.tokens.service import ServiceTokens
from shared.web.bodies import MAX_BODY_BYTES
from shared.web.operations import FormReader, Handler, Operation, operation_of
from shared.web.parameters import read_form
from shared.web.principal import PRINCIPAL, bearer_token

F = TypeVar("F")

BEARERS = web.AppKey("bearers", BearerVerifier)
SERVICE_TOKENS = web.AppKey("service_tokens", ServiceTokens)
CALLER = web.RequestKey("caller", str)
"""The service that makes an internal call."""


@dataclass(frozen=True, slots=True)
class Anyone:
    """Access for everybody."""


@dataclass(frozen=True, slots=True)
class BearerOf:
    """Access for users with a bearer token."""


@dataclass(frozen=True, slots=True)
class ServiceToken:
    """Access for these services, with a service token."""

    callers: frozenset[str]


ANYONE, BEARER = Anyone(), BearerOf()


def services(*names: str) -> ServiceToken:
    """Access for the named services only."""
    return ServiceToken(frozenset(names))


@dataclass(frozen=True, slots=True)
class Route(Generic[F]):
    """Verb and path of an operation, and who may call it.

    A handler that is not declared as an operation is one of the internal API.
    """

    method: str
    path: str
    access: Anyone | BearerOf | ServiceToken
    handler: Operation[F] | Handler[F]

    @property
    def operation(self) -> Operation[F]:
        """The operation that is called."""
        return operation_of(self.handler)


def application(
    routes: Iterable[Route[Any]],
    *,
    prefix: str = "",
    middlewares: Sequence[Middleware] = (),
    max_body_bytes: int = MAX_BODY_BYTES,
) -> web.Application:
    """An aiohttp application that serves `routes`.

    HEAD works where GET does, and one trailing slash is tolerated.
    """
    app = web.Application(middlewares=middlewares, client_max_size=max_body_bytes)
    for route in routes:
        endpoint = _endpoint(route)
        for path in (prefix + route.path, prefix + route.path + "/"):
            app.router.add_route(route.method, path, endpoint)
            if route.method == "GET":
                app.router.add_route("HEAD", path, endpoint)
    return app


def _endpoint(route: Route[Any]) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    operation = route.operation

    async def endpoint(request: web.Request) -> web.StreamResponse:
        await _authenticate(request, route.access)
        form = (
            FormReader(request, operation.form, operation.missing_is_400)
            if operation.reads_body
            else await read_form(request, operation.form, missing_is_400=operation.missing_is_400)
        )
        response = await operation.handler(request, form)
        if operation.status not in (None, response.status):
            response.set_status(operation.status)
        return response

    return endpoint


async def _authenticate(request: web.Request, access: Anyone | BearerOf | ServiceToken) -> None:
    match access:
        case BearerOf():
            principal = await request.app[BEARERS].principal(bearer_token(request.headers))
            request[PRINCIPAL] = principal
            structlog.contextvars.bind_contextvars(uid=principal.uid)
        case ServiceToken(callers):
            request[CALLER] = request.app[SERVICE_TOKENS].verify(
                bearer_token(request.headers), callers
            )
