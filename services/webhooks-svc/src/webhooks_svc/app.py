"""Builds webhooks-svc: its features, and what connects them to HTTP and to the broker."""

from shared.contracts.services import WEBHOOKS
from shared.contracts.topology import WEBHOOKS as SUBSCRIPTION
from shared.database.migrate import MigratedCheck
from shared.messaging.envelope import EventVerifier
from shared.messaging.lag import QueueMetrics
from shared.messaging.subscriber import Subscriber
from shared.messaging.supervision import supervised
from shared.process import Service
from shared.web.applications import WebLayer
from webhooks_svc import features
from webhooks_svc.core import Core
from webhooks_svc.routes import INTERNAL, PUBLIC
from webhooks_svc.schema import MIGRATIONS
from webhooks_svc.settings import WebhooksSettings


def create_app(settings: WebhooksSettings) -> Service:
    """webhooks-svc, not yet running; none of its dependencies has to be up."""
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
    public = layer.public(PUBLIC, prefix="/api/v2/admin/webhooks", bearers=core.bearers())
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
        name=WEBHOOKS,
        settings=settings,
        parts=(
            core.database.opened(),
            core.identity.opened(),
            *built.parts,
            supervised("relay", core.relay().run),
            supervised("subscriber", subscriber.run),
        ),
        internal=internal,
        public=public,
        public_port=settings.port,
    )
