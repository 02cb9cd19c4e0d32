"""The two applications of a service: the public one, and the internal one."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from aiohttp import web

from shared.tokens.bearer import BearerVerifier
from shared.tokens.service import ServiceTokens
from shared.values.addresses import Network
from shared.web.access_log import access_log
from shared.web.context import nobody, request_context
from shared.web.errors import errors
from shared.web.health import Check, Readiness, live
from shared.web.metrics import HttpMetrics, Registry
from shared.web.routes import BEARERS, SERVICE_TOKENS, Route, application
from shared.web.server import HTTP_METRICS
from shared.web.spans import spans

_MAX_INTERNAL_BODY_BYTES = 64 * 1024 * 1024
"""The size of the events that a relay has signed: 4 MB, or the largest single event, which has a
hundred documents with 64 K characters of metadata each."""


class WebLayer:
    """Builds both applications of one service around the same registry of metrics."""

    def __init__(
        self,
        registry: Registry,
        trusted_proxies: Sequence[Network] = (),
        publish: Callable[[str], Awaitable[None]] = nobody,
        *,
        log_probes: bool = True,
    ) -> None:
        """`publish` publishes to all gateways what a request changed."""
        self._registry = registry
        self.metrics = HttpMetrics(registry)
        self._request_context = request_context(trusted_proxies, publish)
        self._log = (access_log(self.metrics, log_probes=log_probes), errors)
        self.middlewares = (self._request_context, spans(trusted_proxies), *self._log)
        """What every application behind the gateway does with each request."""

    def public(
        self, routes: Iterable[Route[Any]], *, prefix: str = "", bearers: BearerVerifier
    ) -> web.Application:
        """The application behind the gateway, below `prefix`."""
        app = application(routes, prefix=prefix, middlewares=self.middlewares)
        app[BEARERS] = bearers
        app[HTTP_METRICS] = self.metrics
        return app

    def internal(
        self,
        routes: Iterable[Route[Any]],
        *,
        service_tokens: ServiceTokens | None,
        checks: Mapping[str, Check],
        watched: Mapping[str, Check] = MappingProxyType({}),
    ) -> web.Application:
        """The application for other services, Kubernetes and Prometheus.

        `service_tokens`: None where no other service calls. `checks` are of dependencies that
        calls need, `watched` of those that they do not need.
        """
        # Whoever calls this port is one of our own services.
        middlewares = (self._request_context, spans(None), *self._log)
        app = application(routes, middlewares=middlewares, max_body_bytes=_MAX_INTERNAL_BODY_BYTES)
        if service_tokens is not None:
            app[SERVICE_TOKENS] = service_tokens
        app[HTTP_METRICS] = self.metrics
        app.router.add_get("/health/live", live)
        app.router.add_get("/health/ready", Readiness(checks, watched).answer)
        app.router.add_get("/metrics", self._registry.answer)
        return app
