"""Decides about every call, then forwards it or says what was decided."""

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter

from authz_gateway.decision import Call, Caller, Decide
from authz_gateway.paths import canonical, target
from authz_gateway.proxy.forward import Proxy, UpstreamFailed
from authz_gateway.routing.table import DECISION_PATH, Access, RouteTable
from shared.errors import Refusal
from shared.web.access_log import ROUTE_LABEL, UNKNOWN_ROUTE
from shared.web.context import CLIENT_ADDRESS
from shared.web.errors import OUTCOME
from shared.web.principal import PRINCIPAL


class Decisions:
    """Decisions counted by their reason."""

    def __init__(self, decide: Decide, registry: CollectorRegistry) -> None:
        self._decide = decide
        self._counter = Counter(
            "gateway_decisions", "Calls decided about.", ("reason",), registry=registry
        )

    async def about(
        self, request: web.Request, access: Access, path: str, scope: str
    ) -> Caller | None:
        """The caller of a request that may pass; raises the `Refusal` that the client is told."""
        call = Call(
            access=access,
            method=request.method,
            path=path,
            scope=scope,
            headers=request.headers,
            address=request[CLIENT_ADDRESS],
        )
        try:
            caller = await self._decide(call)
        except Refusal as refusal:
            self._counter.labels(refusal.codes[0]).inc()
            raise
        if caller is None:
            self._counter.labels("public").inc()
        else:
            self._counter.labels("allowed").inc()
            request[PRINCIPAL] = caller.principal
            structlog.contextvars.bind_contextvars(uid=caller.principal.uid)
        return caller


DECISIONS = web.AppKey("decisions", Decisions)
ROUTES = web.AppKey("routes", RouteTable)
PROXY = web.AppKey("proxy", Proxy)


async def forward(request: web.Request) -> web.StreamResponse:
    """Any call: the upstream's answer, or why there is none."""
    request[ROUTE_LABEL] = UNKNOWN_ROUTE
    aim = target(request.raw_path)
    route = request.app[ROUTES].find(aim.path)
    if route is None or not route.allows(request.method):
        raise web.HTTPNotFound
    request[ROUTE_LABEL] = route.prefix
    caller = await request.app[DECISIONS].about(request, route.access, aim.path, route.scope)
    token = caller.token if caller else None
    try:
        return await request.app[PROXY].forward(request, route, aim, token)
    except UpstreamFailed as failure:
        request[OUTCOME] = failure.code
        return web.json_response({"errors": [failure.code]}, status=failure.status)


async def decide_only(request: web.Request) -> web.Response:
    """ANY /api/v2/auth/<path>: what would be decided, for a proxy that carries the call itself.

    It may carry calls to more than our routes tell of: those need permission.
    """
    path = canonical(target(request.raw_path).path.removeprefix(DECISION_PATH) or "/")
    route = request.app[ROUTES].find(path)
    access, scope = (route.access, route.scope) if route else (Access.REQUIRED, "")
    caller = await request.app[DECISIONS].about(request, access, path, scope)
    return web.Response(headers={"Authorization": f"Bearer {caller.token}"} if caller else None)
