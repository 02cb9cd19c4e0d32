"""Builds authz-gateway: its parts, and what connects them to HTTP and to the broker."""

import os
from collections.abc import Mapping

from authz_gateway import features
from authz_gateway.core import Core
from authz_gateway.http.connection import BODY_GRACE_SECONDS
from authz_gateway.http.server import HttpServer
from authz_gateway.routing.routes_file import load_routes
from authz_gateway.settings import GatewaySettings
from authz_gateway.upstream.pool import CONNECT_SECONDS
from shared.contracts.services import GATEWAY
from shared.process import Server, Service
from shared.web.applications import WebLayer


def create_app(
    settings: GatewaySettings,
    environ: Mapping[str, str] | None = None,
    *,
    body_grace_seconds: float = BODY_GRACE_SECONDS,
    connect_seconds: float = CONNECT_SECONDS,
) -> Service:
    """The gateway; raises `SettingsError` for faults of the routes file and other files.

    `environ`: variables that the routes file may use, besides the URLs of our own services.
    `body_grace_seconds`, `connect_seconds`: see `Limits` and `Upstream`.
    """
    routes = load_routes(
        settings.routes_path,
        {
            **(os.environ if environ is None else environ),
            "BARONG_IDENTITY_URL": settings.identity_url,
            "BARONG_RESOURCE_URL": settings.resource_url,
            "BARONG_ADMIN_URL": settings.admin_url,
            "BARONG_WEBHOOKS_URL": settings.webhooks_url,
            "BARONG_OAUTH_URL": settings.oauth_url,
            "BARONG_CONSOLE_URL": settings.console_url,
            "BARONG_CONSOLE": str(settings.console),
        },
    )
    core = Core.of(settings)
    layer = WebLayer(core.registry, settings.trusted_proxies, log_probes=settings.log_probes)
    built = features.build(
        core,
        routes,
        layer.metrics,
        body_grace_seconds=body_grace_seconds,
        connect_seconds=connect_seconds,
    )
    return Service(
        name=GATEWAY,
        settings=settings,
        public=_public(built.server, settings),
        public_port=settings.port,
        internal=layer.internal(
            (),
            service_tokens=core.service_tokens,
            checks={"policy": built.policy.check, "keys": core.keys.loaded},
            watched={"rabbitmq": built.audits.check},
        ),
        parts=(
            core.identity.opened(),
            core.admin.opened(),
            core.resource.opened(),
            core.oauth.opened(),
            *built.parts,
        ),
    )


def _public(server: HttpServer, settings: GatewaySettings) -> Server:
    """What listens for clients and proxies."""
    if settings.ext_authz_port is None:
        return server
    from authz_gateway.ext_authz.server import WithExtAuthz  # with gRPC's library of 19 MB

    return WithExtAuthz(server, settings.ext_authz_port)
