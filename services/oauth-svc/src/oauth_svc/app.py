"""Builds oauth-svc: its features, and what connects them to HTTP and to the broker."""

from oauth_svc import features
from oauth_svc.core import Core
from oauth_svc.routes import INTERNAL, PROTOCOL, PUBLIC
from oauth_svc.schema import MIGRATIONS
from oauth_svc.settings import OAuthSettings
from shared.contracts.services import OAUTH
from shared.contracts.topology import OAUTH as SUBSCRIPTION
from shared.database.migrate import MigratedCheck
from shared.messaging.envelope import EventVerifier
from shared.messaging.lag import QueueMetrics
from shared.messaging.subscriber import Subscriber
from shared.messaging.supervision import supervised
from shared.process import Service
from shared.web.applications import WebLayer


def create_app(settings: OAuthSettings) -> Service:
    """oauth-svc, not yet running; none of its dependencies has to be up."""
    core = Core.of(settings)
    built = features.build(core)
    subscriber = Subscriber(
        settings.broker_url,
        SUBSCRIPTION,
        EventVerifier(core.keys, settings.jwt_issuer),
        built.reactions,
        QueueMetrics(core.registry),
    )
    layer = WebLayer(core.registry, settings.trusted_proxies, log_probes=settings.log_probes)
    public = layer.public((*PROTOCOL, *PUBLIC), bearers=core.bearers())
    internal = layer.internal(
        INTERNAL,
        service_tokens=core.service_tokens,
        checks={"postgresql": MigratedCheck(core.database, MIGRATIONS), "keys": core.keys.loaded},
        watched={"rabbitmq": subscriber.check},
    )
    for app in (public, internal):
        for key, use_cases in built.use_cases.items():
            app[key] = use_cases
    return Service(
        name=OAUTH,
        settings=settings,
        parts=(
            core.database.opened(),
            core.identity.opened(),
            core.resource.opened(),
            *built.parts,
            supervised("relay", core.relay().run),
            supervised("subscriber", subscriber.run),
        ),
        internal=internal,
        public=public,
        public_port=settings.port,
    )
