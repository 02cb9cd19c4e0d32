"""Handlers: each turns a request into an operation, or answers it at once."""

from collections.abc import Callable
from functools import partial

from authz_gateway.api_document.files import ROUTE as DOCUMENT_ROUTE
from authz_gateway.api_document.files import SHOWN, Shown
from authz_gateway.authn.call import Call, Caller
from authz_gateway.authz.dispatcher import Operation
from authz_gateway.authz.forward_auth import allowed_lines, denied_lines, original_call
from authz_gateway.authz.protected_resources import METADATA_ROUTE, metadata, resource_at
from authz_gateway.authz.websocket_reauthorization import ReauthorizeWebSocket, opener_of
from authz_gateway.http.cors import Cors
from authz_gateway.http.request import Request
from authz_gateway.http.responses import NO_ROUTE, Answer
from authz_gateway.routing.path import Target
from authz_gateway.routing.route_table import UNROUTED, MatchedRoute, Route, RouteTable
from authz_gateway.upstream.proxy import Proxy
from shared.errors import Malformed, Refusal


class Gateway:
    """The dependencies of the handlers."""

    __slots__ = ("cors", "issuer", "proxy", "reauthorize", "routes")

    def __init__(
        self,
        routes: RouteTable,
        proxy: Proxy,
        cors: Cors,
        reauthorize: ReauthorizeWebSocket,
        issuer: str,
    ) -> None:
        self.routes = routes
        self.proxy = proxy
        self.cors = cors
        self.reauthorize = reauthorize
        self.issuer = issuer


class Destination:
    """What follows from a path alone: its canonical form, label for metrics, handler and route.

    `raw`: the path as received, when only routes with `path: raw` accept it; else empty.
    """

    __slots__ = ("handler", "label", "match", "path", "raw")

    def __init__(
        self, path: str, label: str, handler: "Handler", match: MatchedRoute | None, raw: str = ""
    ) -> None:
        self.path = path
        self.raw = raw
        self.label = label
        self.handler = handler
        self.match = match


Handler = Callable[[Gateway, Request, Destination, str], Operation | Answer]
"""Returns the operation of a request, or an answer; the last argument is the query."""


class Forward(Operation):
    """Forwards a call to its upstream."""

    __slots__ = ("_gateway", "_match")

    def __init__(self, gateway: Gateway, match: MatchedRoute, call: Call) -> None:
        super().__init__(match.route.prefix, call)
        self._gateway = gateway
        self._match = match

    def respond(self, request: Request, caller: Caller | None) -> None:
        """See `Operation`."""
        call, match = self.call, self._match
        reauthorize = None
        if match.route.websocket:
            reauthorize = partial(self._gateway.reauthorize, opener_of(caller, call))
        self._gateway.proxy.forward(request, match, call.query, caller, reauthorize)


class ForwardAuth(Operation):
    """Answers with the decision only, for a proxy that forwards the call itself."""

    __slots__ = ()

    def respond(self, _request: Request, caller: Caller | None) -> Answer:
        """See `Operation`."""
        return Answer(200, allowed_lines(caller.token if caller else None))

    def refusal_lines(self, refusal: Refusal) -> tuple[str, ...]:
        """See `Operation`."""
        return denied_lines(refusal)


class ShowDocument(Operation):
    """The API document, its page, or what the page loads."""

    __slots__ = ("_shown",)

    def __init__(self, route: str, call: Call, shown: Shown) -> None:
        super().__init__(route, call)
        self._shown = shown

    def respond(self, request: Request, _caller: Caller | None) -> Answer:
        """See `Operation`."""
        return self._shown.answer(request.head.headers.getall("accept-encoding", ()))


class ShowResource(Operation):
    """The metadata of a protected resource."""

    __slots__ = ("_answer",)

    def __init__(self, route: str, call: Call, answer: Answer) -> None:
        super().__init__(route, call)
        self._answer = answer

    def respond(self, _request: Request, _caller: Caller | None) -> Answer:
        """See `Operation`."""
        return self._answer


def forward(
    gateway: Gateway, request: Request, destination: Destination, query: str
) -> Operation | Answer:
    """Any path that matches a route: forwards the call."""
    head = request.head
    match = destination.match
    if match is not None and match.has_siblings:
        match = gateway.routes.match(destination.path, head.method)
    if destination.raw:
        if match is None:
            raise Malformed
        match = MatchedRoute(match.route, match.route.raw_upstream_path(destination.raw))
    if head.method == "OPTIONS":
        preflight = gateway.cors.preflight(head.method, head.headers)
        if preflight is not None:
            return Answer(204, preflight)
    if match is None or (match.methods is not None and head.method not in match.methods):
        return NO_ROUTE
    call = _call(request, match.route, head.method, destination.path, query)
    return Forward(gateway, match, call)


def forward_auth(
    gateway: Gateway, request: Request, destination: Destination, query: str
) -> Operation | Answer:
    """ANY /api/v2/auth/<path>: the decision only, for a proxy that forwards the call itself.

    Calls that match no route need a permission. So do CORS preflights, because the proxy forwards
    an allowed one to the upstream.
    """
    head, trusted = request.head, request.connection.trusted
    asked = Target(destination.path, query, destination.raw)
    original = original_call(head.method, head.target, asked, head.headers, trusted=trusted)
    path, query = original.target.path, original.target.query
    route = gateway.routes.find(path, original.method) or UNROUTED
    if original.target.raw and not route.takes_raw_paths:
        raise Malformed
    call = _call(request, route, original.method, path, query)
    call.target, call.forward_auth = original.raw_target, True
    return ForwardAuth(request.route, call)


def show_document(
    _gateway: Gateway, request: Request, destination: Destination, query: str
) -> Operation | Answer:
    """GET /api/v2/barong/{openapi,asyncapi}.json, /api/v2/barong/docs and below: the documents."""
    if destination.raw:
        raise Malformed
    path = destination.path
    shown = SHOWN.get(path.removesuffix("/"))
    method = request.head.method
    if shown is None or not DOCUMENT_ROUTE.allows(method):
        return NO_ROUTE
    call = _call(request, DOCUMENT_ROUTE, method, path, query)
    return ShowDocument(request.route, call, shown)


def show_resource(
    gateway: Gateway, request: Request, destination: Destination, query: str
) -> Operation | Answer:
    """GET /.well-known/oauth-protected-resource/<prefix>: what clients need for such a route.

    Other paths below it are forwarded: an upstream may have metadata of its own.
    """
    method = request.head.method
    route = None if destination.raw else resource_at(gateway.routes, destination.path)
    if route is None or not METADATA_ROUTE.allows(method):
        return forward(gateway, request, destination, query)
    call = _call(request, METADATA_ROUTE, method, destination.path, query)
    return ShowResource(METADATA_ROUTE.prefix, call, metadata(route, gateway.issuer))


def _call(request: Request, route: Route, method: str, path: str, query: str) -> Call:
    return Call(
        route,
        method,
        path,
        query,
        request.head,
        request.body.read,
        request.address,
        request.address_text,
        request.head.target,
        trusted=request.connection.trusted,
    )
