"""Builds resource-svc: its features, and what connects them to HTTP and to the broker."""

from resource_svc import features
from resource_svc.core import Core
from resource_svc.routes import INTERNAL, PUBLIC
from resource_svc.schema import MIGRATIONS
from resource_svc.settings import ResourceSettings
from shared.contracts.services import RESOURCE
from shared.contracts.topology import RESOURCE as SUBSCRIPTION
from shared.database.migrate import MigratedCheck
from shared.messaging.envelope import EventVerifier
from shared.messaging.lag import QueueMetrics
from shared.messaging.subscriber import Subscriber
from shared.messaging.supervision import supervised
from shared.process import Service
from shared.web.applications import WebLayer


def create_app(settings: ResourceSettings) -> Service:
    """resource-svc, not yet running; none of its dependencies has to be up.

    Raises `SettingsError` for faults in configuration files.
    """
    core = Core.of(settings)
    built = features.build(core)
    subscriber = Subscriber(
        settings.broker_url,
        SUBSCRIPTION,
        EventVerifier(core.keys, settings.jwt_issuer),
        built.reactions,
        QueueMetrics(core.registry),
    )
    layer = WebLayer(
        core.registry,
        settings.trusted_proxies,
        core.changes.publish,
        log_probes=settings.log_probes,
    )
    public = layer.public(PUBLIC, prefix="/api/v2/resource", bearers=core.bearers())
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
        name=RESOURCE,
        settings=settings,
        parts=(
            core.database.opened(),
            core.identity.opened(),
            core.admin.opened(),
            *built.parts,
            supervised("relay", core.relay().run),
            supervised("changes", core.changes.run),
            supervised("subscriber", subscriber.run),
        ),
        internal=internal,
        public=public,
        public_port=settings.port,
    )
