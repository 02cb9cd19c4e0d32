"""Wires authz-gateway together."""

import os
from collections.abc import Mapping

from authz_gateway.audit.publisher import AuditPublisher, audit_counter
from authz_gateway.audit.queue import AuditQueue
from authz_gateway.authn.api_keys import ApiKeyCache, AuthenticateApiKey
from authz_gateway.authn.nonces import SharedNonces
from authz_gateway.authn.sessions import Binding, SessionCache
from authz_gateway.authz.decision_cache import DecisionCache
from authz_gateway.authz.pipeline import Decide
from authz_gateway.authz.policy import CurrentPolicy, register_policy_metrics
from authz_gateway.authz.rate_limits import RateLimits
from authz_gateway.authz.websocket_reauthorization import ReauthorizeWebSocket
from authz_gateway.handlers import Gateway
from authz_gateway.http.access_log import AccessLog
from authz_gateway.http.connection import BODY_GRACE_SECONDS, Limits
from authz_gateway.http.dispatcher import Dispatcher
from authz_gateway.http.parser import HeadLimits
from authz_gateway.http.response_headers import ResponseHeaders
from authz_gateway.http.server import HttpServer
from authz_gateway.routes import Operations
from authz_gateway.routing.route_table import rate
from authz_gateway.routing.routes_file import load_routes
from authz_gateway.settings import GatewaySettings
from authz_gateway.subscriptions import PATTERNS, CarriedChanges, Subscriptions
from authz_gateway.upstream.pool import CONNECT_SECONDS
from authz_gateway.upstream.proxy import Proxy
from authz_gateway.upstream.websocket import WebSockets
from shared.clients.admin import AdminClient
from shared.clients.identity import IdentityClient
from shared.clients.resource import ResourceClient
from shared.contracts.services import GATEWAY
from shared.messaging.audits import AuditSeal
from shared.messaging.changes import ChangeListener
from shared.messaging.envelope import EventVerifier
from shared.messaging.listener import Listener
from shared.messaging.supervision import supervised
from shared.policy.places import places
from shared.process import Service
from shared.tokens.bearer import ACCESS_TOKEN, BearerVerifier
from shared.tokens.key_set import KeySet
from shared.tokens.service import ServiceTokens
from shared.web.applications import WebLayer
from shared.web.metrics import Registry


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
        },
    )
    registry = Registry()
    tokens = ServiceTokens(GATEWAY, settings.service_keys)
    identity = IdentityClient(settings.identity_internal_url, tokens)
    admin = AdminClient(settings.admin_internal_url, tokens)
    resource = ResourceClient(settings.resource_internal_url, tokens)
    keys = KeySet(identity.jwks)
    sessions = SessionCache(identity, registry)
    api_keys = ApiKeyCache(resource, identity, registry)
    websockets = WebSockets(
        registry, limit=settings.max_websockets, limit_per_client=settings.websockets_per_client
    )
    policy = CurrentPolicy(admin, websockets.reauthorize_all)
    subscriptions = Subscriptions(policy, sessions, api_keys, websockets)
    listener = Listener(
        settings.broker_url,
        GATEWAY,
        PATTERNS,
        EventVerifier(keys, settings.jwt_issuer),
        subscriptions.on_event,
        subscriptions.on_missed_events,
    )
    changes = ChangeListener(
        settings.broker_url, GATEWAY, settings.service_keys, subscriptions.on_changes
    )
    register_policy_metrics(policy, listener, registry)
    proxy = Proxy(
        registry,
        websockets,
        session_cookie=settings.session_name,
        timeout=settings.upstream_timeout,
        max_connections=settings.upstream_connections,
        connections_per_client=max(
            1, settings.upstream_connections * settings.upstream_client_share // 100
        ),
        websocket_timeout=settings.websocket_timeout,
        on_changes=CarriedChanges(subscriptions, registry),
        connect_seconds=connect_seconds,
    )
    known_places = places(settings.maxminddb_path, settings.geoip_lang)
    reauthorize = ReauthorizeWebSocket(sessions, api_keys, policy, known_places)
    gateway = Gateway(routes, proxy, settings.cors, reauthorize)
    audit_queue = AuditQueue(settings.broker_url, AuditSeal(settings.service_keys))
    rate_limits = RateLimits(
        registry, enabled=settings.throttling, audited_rate=rate(settings.audited_rate)
    )
    decisions = DecisionCache(
        sessions,
        policy,
        rate_limits,
        settings.session_name,
        csrf_protection=settings.csrf_protection,
    )
    decide = Decide(
        sessions=sessions,
        bearers=BearerVerifier(keys, settings.jwt_issuer, ACCESS_TOKEN),
        authenticate_api_key=AuthenticateApiKey(
            api_keys=api_keys,
            nonces=SharedNonces(resource, settings.apikey_nonce_lifetime),
            lifetime=settings.apikey_nonce_lifetime,
            max_body_bytes=settings.apikey_max_body_bytes,
        ),
        places=known_places,
        policy=policy,
        rate_limits=rate_limits,
        cookie_name=settings.session_name,
        csrf_protection=settings.csrf_protection,
        binding=Binding(settings.bind_user_agent, settings.bind_network),
        audits=AuditPublisher(audit_queue, admin, audit_counter(registry)),
    )
    web_layer = WebLayer(registry, settings.trusted_proxies, log_probes=settings.log_probes)
    internal = web_layer.internal(
        (),
        service_tokens=tokens,
        checks={"policy": policy.check, "keys": keys.loaded},
        watched={"rabbitmq": audit_queue.check},
    )
    server = HttpServer(
        Dispatcher(Operations(gateway).of, decide, decisions, policy, registry),
        AccessLog(web_layer.metrics),
        ResponseHeaders(
            settings.cors,
            security=settings.security_headers,
            hsts_seconds=settings.hsts_seconds if settings.production else 0,
        ),
        registry,
        limits=Limits(
            HeadLimits(settings.max_url_bytes, settings.max_header_bytes, settings.max_headers),
            body_bytes=settings.max_body_bytes,
            head_seconds=settings.header_timeout,
            idle_seconds=settings.idle_timeout,
            stall_seconds=settings.stall_timeout,
            body_seconds=settings.body_timeout,
            body_rate=settings.body_rate,
            body_grace_seconds=body_grace_seconds,
        ),
        max_connections=settings.max_connections,
        connections_per_address=settings.connections_per_address,
        max_buffered_bytes=settings.max_buffered_bytes,
        trusted_proxies=settings.trusted_proxies,
    )
    return Service(
        name=GATEWAY,
        settings=settings,
        internal=internal,
        public=server,
        public_port=settings.port,
        parts=(
            identity.opened(),
            admin.opened(),
            resource.opened(),
            supervised("upstreams", proxy.run),
            supervised("policy", lambda: policy.keep_current(listener)),
            supervised("listener", listener.run),
            supervised("changes", changes.run),
            supervised("websockets", websockets.run),
            supervised("audits", audit_queue.run),
        ),
    )
