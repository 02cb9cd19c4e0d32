"""The wiring of authz-gateway."""

import os
from collections.abc import Mapping

from aiohttp import web

from authz_gateway.api_keys.authenticate import AuthenticateApiKey
from authz_gateway.api_keys.cache import ApiKeyCache
from authz_gateway.api_keys.nonces import UsedNonces
from authz_gateway.decision import Decide
from authz_gateway.handlers import DECISIONS, PROXY, ROUTES, Decisions
from authz_gateway.policy.current import CurrentPolicy
from authz_gateway.proxy.forward import Proxy
from authz_gateway.restrictions.places import places
from authz_gateway.routes import PUBLIC
from authz_gateway.routing.routes_file import load_routes
from authz_gateway.sessions.cache import SessionCache
from authz_gateway.sessions.rules import Binding
from authz_gateway.settings import GatewaySettings
from authz_gateway.subscriptions import PATTERNS, Hearing
from shared.clients.admin import AdminClient
from shared.clients.identity import IdentityClient
from shared.clients.resource import ResourceClient
from shared.contracts.services import GATEWAY
from shared.messaging.envelope import EventVerifier
from shared.messaging.listener import Listener
from shared.messaging.supervision import supervised
from shared.process import Service
from shared.tokens.bearer import BearerVerifier
from shared.tokens.key_set import KeySet
from shared.tokens.service import ServiceTokens
from shared.web.applications import WebLayer
from shared.web.metrics import Registry

_IDLE_SECONDS = 75.0


def create_app(settings: GatewaySettings, environ: Mapping[str, str] | None = None) -> Service:
    """The gateway; raises `SettingsError` for the faults of its files.

    `environ` has what the routes file may name besides our own services.
    """
    routes = load_routes(
        settings.routes_path,
        {
            **(os.environ if environ is None else environ),
            "BARONG_IDENTITY_URL": settings.identity_url,
            "BARONG_RESOURCE_URL": settings.resource_url,
            "BARONG_ADMIN_URL": settings.admin_url,
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
    policy = CurrentPolicy(admin)
    hearing = Hearing(policy, sessions, api_keys)
    listener = Listener(
        settings.broker_url,
        GATEWAY,
        PATTERNS,
        EventVerifier(keys, settings.jwt_issuer),
        hearing.heard,
        hearing.missed,
    )
    proxy = Proxy(
        registry,
        trusted_proxies=settings.trusted_proxies,
        session_cookie=settings.session_name,
        max_body_bytes=settings.max_body_bytes,
        timeout=settings.upstream_timeout,
    )
    decide = Decide(
        sessions=sessions,
        bearers=BearerVerifier(keys, settings.jwt_issuer),
        signed_calls=AuthenticateApiKey(
            api_keys=api_keys,
            nonces=UsedNonces(settings.apikey_nonce_lifetime),
            lifetime=settings.apikey_nonce_lifetime,
        ),
        places=places(settings.maxminddb_path, settings.geoip_lang),
        policy=policy,
        cookie_name=settings.session_name,
        csrf_protection=settings.csrf_protection,
        binding=Binding(settings.bind_user_agent, settings.bind_network),
    )
    web_layer = WebLayer(registry, settings.trusted_proxies)
    internal = web_layer.internal(
        (), service_tokens=tokens, checks={"policy": policy.check, "keys": keys.loaded}
    )
    # One pair of HTTP metrics a process: both applications stand behind the same middlewares.
    public = web.Application(
        middlewares=web_layer.middlewares,
        # Bodies pass as they are, compressed or not; a client that dawdles is let go.
        handler_args={"auto_decompress": False, "keepalive_timeout": _IDLE_SECONDS},
    )
    public[DECISIONS] = Decisions(decide, registry)
    public[ROUTES] = routes
    public[PROXY] = proxy
    public.add_routes(PUBLIC)
    return Service(
        name=GATEWAY,
        settings=settings,
        internal=internal,
        public=public,
        public_port=settings.port,
        parts=(
            identity.opened(),
            admin.opened(),
            resource.opened(),
            proxy.opened(),
            supervised("policy", lambda: policy.keep_fresh(listener)),
            supervised("listener", listener.run),
        ),
    )
