"""What is done about a request, by its URL."""

from dataclasses import dataclass
from functools import partial

from authz_gateway.api_document.files import ANSWERS as DOCUMENTS
from authz_gateway.api_document.files import ROUTE as DOCUMENT_ROUTE
from authz_gateway.authz.call import Call
from authz_gateway.authz.forward_auth import carried_call, passed_lines, refused_lines
from authz_gateway.authz.pipeline import Caller
from authz_gateway.authz.websocket_reauthorization import MayStay, guest_of
from authz_gateway.http.cors import Cors
from authz_gateway.http.dispatcher import Plan
from authz_gateway.http.request import Request
from authz_gateway.http.responses import NO_ROUTE, Answer
from authz_gateway.routing.path import Target
from authz_gateway.routing.route_table import ELSEWHERE, Route, RouteTable, Way
from authz_gateway.upstream.proxy import Proxy, request_line
from authz_gateway.upstream.websocket import Review
from shared.errors import Malformed


@dataclass(frozen=True, slots=True)
class Gateway:
    """What the handlers need."""

    routes: RouteTable
    proxy: Proxy
    cors: Cors
    may_stay: MayStay


def forward(gateway: Gateway, request: Request, aim: Target) -> Plan | Answer:
    """Any call: the upstream's answer, or why there is none."""
    head = request.head
    way = gateway.routes.way(aim.path, head.method)
    start_path = _path_upstream(way, aim)
    preflight = gateway.cors.preflight(head.method, head.headers)
    if preflight is not None:
        return Answer(204, preflight)
    if way is None or not way.route.allows(head.method):
        return NO_ROUTE
    call = _call(request, way.route, head.method, aim)
    start = request_line(head.method, start_path, aim.query)
    review = partial(_review, gateway, call) if way.route.websocket else None
    return Plan(way.route.prefix, call, partial(gateway.proxy.forward, way.route, start, review))


def _path_upstream(way: Way | None, aim: Target) -> str:
    """The path that the upstream is sent; raises `Malformed` for a raw one on another route."""
    if not aim.raw:
        return "" if way is None else way.path
    if way is None:
        raise Malformed
    return way.route.sent_raw(aim.raw)


def _review(gateway: Gateway, call: Call, caller: Caller | None) -> Review:
    return partial(gateway.may_stay, guest_of(caller, call))


def decide_only(gateway: Gateway, request: Request, aim: Target) -> Plan | Answer:
    """ANY /api/v2/auth/<path>: what would be decided, for a proxy that carries the call itself.

    It may carry calls to more than our routes tell of: those need permission. So does a browser's
    question here: passed, it would go upstream.
    """
    head = request.head
    carried = carried_call(head.method, aim, head.headers, trusted=request.connection.trusted)
    route = gateway.routes.find(carried.target.path, carried.method) or ELSEWHERE
    if carried.target.raw and not route.takes_raw_paths:
        raise Malformed
    call = _call(request, route, carried.method, carried.target)
    return Plan(request.route, call, _tell, refused_lines)


def _tell(_request: Request, caller: Caller | None) -> Answer:
    return Answer(200, passed_lines(caller.token if caller else None))


def show_document(_gateway: Gateway, request: Request, aim: Target) -> Plan | Answer:
    """GET /api/v2/barong/openapi.json and /api/v2/barong/docs: what there is to call."""
    if aim.raw:
        raise Malformed
    document = DOCUMENTS.get(aim.path.removesuffix("/"))
    method = request.head.method
    if document is None or not DOCUMENT_ROUTE.allows(method):
        return NO_ROUTE
    call = _call(request, DOCUMENT_ROUTE, method, aim)
    return Plan(request.route, call, lambda _request, _caller: document)


def _call(request: Request, route: Route, method: str, aim: Target) -> Call:
    return Call(
        route=route,
        method=method,
        path=aim.path,
        query=aim.query,
        headers=request.head.headers,
        body=request.body.whole,
        address=request.address,
    )
