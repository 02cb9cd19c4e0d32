"""The parts of the gateway, each built on the core and on the parts that it uses."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from authz_gateway.audit.publisher import AuditPublisher, audit_counter
from authz_gateway.audit.queue import AuditQueue
from authz_gateway.authn.access_tokens import AccessTokenCache
from authz_gateway.authn.api_keys import ApiKeyCache, AuthenticateApiKey
from authz_gateway.authn.nonces import SharedNonces
from authz_gateway.authn.proofs import PROOF_MILLISECONDS, ProofChecker
from authz_gateway.authn.sessions import Binding, SessionCache
from authz_gateway.authz.decision_cache import DecisionCache
from authz_gateway.authz.dispatcher import Dispatcher
from authz_gateway.authz.pipeline import Decide
from authz_gateway.authz.policy import CurrentPolicy, register_policy_metrics
from authz_gateway.authz.rate_limits import RateLimits
from authz_gateway.authz.websocket_reauthorization import ReauthorizeWebSocket
from authz_gateway.core import Core
from authz_gateway.handlers import Gateway
from authz_gateway.http.access_log import AccessLog
from authz_gateway.http.connection import Limits
from authz_gateway.http.parser import HeadLimits
from authz_gateway.http.response_headers import ResponseHeaders
from authz_gateway.http.server import HttpServer
from authz_gateway.http.traced_server import TracedHttpServer
from authz_gateway.routes import Operations
from authz_gateway.routing.route_table import RouteTable, rate
from authz_gateway.settings import GatewaySettings
from authz_gateway.subscriptions import PATTERNS, CarriedChanges, Subscriptions
from authz_gateway.upstream.proxy import Proxy
from authz_gateway.upstream.websocket import WebSockets
from shared.contracts.services import GATEWAY
from shared.messaging.audits import AuditSeal
from shared.messaging.changes import ChangeListener
from shared.messaging.envelope import EventVerifier
from shared.messaging.listener import Listener
from shared.messaging.supervision import supervised
from shared.policy.places import Places, places
from shared.tokens.bearer import ACCESS_TOKEN, BearerVerifier
from shared.tokens.dpop import ProofNonces
from shared.web.metrics import HttpMetrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What the process needs of all parts together."""

    server: HttpServer
    policy: CurrentPolicy
    audits: AuditQueue
    parts: Sequence[AbstractAsyncContextManager[object]]
    """Connections and background tasks, for the time that the process runs."""


def build(
    core: Core,
    routes: RouteTable,
    metrics: HttpMetrics,
    *,
    body_grace_seconds: float,
    connect_seconds: float,
) -> Features:
    """Connects to nothing yet; raises `SettingsError` for faults of the file of places."""
    settings, registry = core.settings, core.registry
    sessions = SessionCache(core.identity, registry)
    api_keys = ApiKeyCache(core.resource, core.identity, registry)
    access_tokens = AccessTokenCache(
        core.keys, settings.issuer, core.oauth, core.identity, registry
    )
    websockets = WebSockets(
        registry, limit=settings.max_websockets, limit_per_client=settings.websockets_per_client
    )
    policy = CurrentPolicy(core.admin, websockets.reauthorize_all)
    subscriptions = Subscriptions(policy, sessions, api_keys, access_tokens, websockets)
    listener = _listener(core, subscriptions)
    changes = ChangeListener(
        settings.broker_url, GATEWAY, settings.service_keys, subscriptions.on_changes
    )
    register_policy_metrics(policy, listener, registry)
    proxy = _proxy(core, websockets, CarriedChanges(subscriptions, registry), connect_seconds)
    known_places = places(settings.maxminddb_path, settings.geoip_lang)
    audits = AuditQueue(settings.broker_url, AuditSeal(settings.service_keys))
    rate_limits, sharing = _rate_limits(core)
    decisions = DecisionCache(
        sessions,
        access_tokens,
        policy,
        rate_limits,
        settings.session_name,
        settings.issuer,
        csrf_protection=settings.csrf_protection,
    )
    callers = _Callers(sessions, api_keys, access_tokens)
    decide = _decide(core, callers, policy, known_places, rate_limits, audits)
    reauthorize = ReauthorizeWebSocket(sessions, api_keys, access_tokens, policy, known_places)
    operations = Operations(Gateway(routes, proxy, settings.cors, reauthorize, settings.issuer))
    dispatcher = Dispatcher(operations.of, decide, decisions, policy, rate_limits, registry)
    return Features(
        server=_server(core, dispatcher, metrics, body_grace_seconds),
        policy=policy,
        audits=audits,
        parts=(
            supervised("upstreams", proxy.run),
            supervised("policy", lambda: policy.keep_current(listener)),
            supervised("listener", listener.run),
            supervised("changes", changes.run),
            supervised("websockets", websockets.run),
            supervised("audits", audits.run),
            *sharing,
        ),
    )


def _listener(core: Core, subscriptions: Subscriptions) -> Listener:
    return Listener(
        core.settings.broker_url,
        GATEWAY,
        PATTERNS,
        EventVerifier(core.keys, core.settings.jwt_issuer),
        subscriptions.on_event,
        subscriptions.on_missed_events,
    )


def _proxy(
    core: Core, websockets: WebSockets, on_changes: CarriedChanges, connect_seconds: float
) -> Proxy:
    settings = core.settings
    share = settings.upstream_connections * settings.upstream_client_share // 100
    return Proxy(
        core.registry,
        websockets,
        session_cookie=settings.session_name,
        timeout=settings.upstream_timeout,
        max_connections=settings.upstream_connections,
        connections_per_client=max(1, share),
        websocket_timeout=settings.websocket_timeout,
        on_changes=on_changes,
        connect_seconds=connect_seconds,
    )


def _rate_limits(core: Core) -> tuple[RateLimits, Sequence[AbstractAsyncContextManager[None]]]:
    """The rate limits, and what has to run for them."""
    settings = core.settings
    audited_rate = rate(settings.audited_rate)
    if not settings.rate_limit_url:
        limits = RateLimits(core.registry, enabled=settings.throttling, audited_rate=audited_rate)
        return limits, ()
    from authz_gateway.authz.shared_rates import SharedRateLimits  # with a client of 5 MB

    shared = SharedRateLimits(
        core.registry,
        url=settings.rate_limit_url,
        enabled=settings.throttling,
        audited_rate=audited_rate,
    )
    return shared, (supervised("rates", shared.run),)


@dataclass(frozen=True, slots=True)
class _Callers:
    """Authenticates callers by their credentials."""

    sessions: SessionCache
    api_keys: ApiKeyCache
    access_tokens: AccessTokenCache


def _decide(
    core: Core,
    callers: _Callers,
    policy: CurrentPolicy,
    known_places: Places,
    rate_limits: RateLimits,
    audits: AuditQueue,
) -> Decide:
    settings = core.settings
    return Decide(
        sessions=callers.sessions,
        bearers=BearerVerifier(core.keys, settings.jwt_issuer, ACCESS_TOKEN),
        access_tokens=callers.access_tokens,
        proofs=ProofChecker(
            issuer=settings.issuer,
            used=SharedNonces(core.resource, PROOF_MILLISECONDS),
            nonces=ProofNonces(settings.service_keys),
            nonce_needed=settings.dpop_nonce,
        ),
        authenticate_api_key=AuthenticateApiKey(
            api_keys=callers.api_keys,
            nonces=SharedNonces(core.resource, settings.apikey_nonce_lifetime),
            lifetime=settings.apikey_nonce_lifetime,
            max_body_bytes=settings.apikey_max_body_bytes,
        ),
        places=known_places,
        policy=policy,
        rate_limits=rate_limits,
        cookie_name=settings.session_name,
        csrf_protection=settings.csrf_protection,
        binding=Binding(settings.bind_user_agent, settings.bind_network),
        audits=AuditPublisher(audits, core.admin, audit_counter(core.registry)),
        issuer=settings.issuer,
    )


def _server(
    core: Core, dispatcher: Dispatcher, metrics: HttpMetrics, body_grace_seconds: float
) -> HttpServer:
    settings = core.settings
    server = TracedHttpServer if settings.traces_endpoint else HttpServer
    return server(
        dispatcher,
        AccessLog(metrics),
        ResponseHeaders(
            settings.cors,
            security=settings.security_headers,
            hsts_seconds=settings.hsts_seconds if settings.production else 0,
        ),
        core.registry,
        limits=_limits(settings, body_grace_seconds),
        max_connections=settings.max_connections,
        connections_per_address=settings.connections_per_address,
        max_buffered_bytes=settings.max_buffered_bytes,
        trusted_proxies=settings.trusted_proxies,
    )


def _limits(settings: GatewaySettings, body_grace_seconds: float) -> Limits:
    return Limits(
        HeadLimits(settings.max_url_bytes, settings.max_header_bytes, settings.max_headers),
        body_bytes=settings.max_body_bytes,
        head_seconds=settings.header_timeout,
        idle_seconds=settings.idle_timeout,
        stall_seconds=settings.stall_timeout,
        body_seconds=settings.body_timeout,
        body_rate=settings.body_rate,
        body_grace_seconds=body_grace_seconds,
    )
