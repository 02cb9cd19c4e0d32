"""Builds identity-svc: its features, and what connects them to HTTP and to the broker."""

from identity_svc import features, routes
from identity_svc.core import Core
from identity_svc.schema import MIGRATIONS
from identity_svc.settings import IdentitySettings
from shared.contracts.services import IDENTITY
from shared.contracts.topology import IDENTITY as SUBSCRIPTION
from shared.database.migrate import MigratedCheck
from shared.messaging.envelope import EventVerifier
from shared.messaging.lag import QueueMetrics
from shared.messaging.subscriber import Subscriber
from shared.messaging.supervision import supervised
from shared.process import Service
from shared.tokens.bearer import BearerVerifier
from shared.tokens.key_set import KeySet
from shared.web.applications import WebLayer


def create_app(settings: IdentitySettings) -> Service:
    """identity-svc, not yet running; none of its dependencies has to be up."""
    core = Core.of(settings)
    built = features.build(core)
    keys = KeySet(built.key_chain.jwks)
    subscriber = Subscriber(
        settings.broker_url,
        SUBSCRIPTION,
        EventVerifier(keys, settings.jwt_issuer),
        built.reactions,
        QueueMetrics(core.registry),
    )
    layer = WebLayer(
        core.registry,
        settings.trusted_proxies,
        core.changes.publish,
        log_probes=settings.log_probes,
    )
    public = layer.public(routes.PUBLIC, bearers=BearerVerifier(keys, settings.jwt_issuer))
    internal = layer.internal(
        routes.INTERNAL,
        service_tokens=core.service_tokens,
        checks={
            "postgresql": MigratedCheck(core.database, MIGRATIONS),
            "signing_keys": built.key_chain.check,
        },
        watched={"rabbitmq": subscriber.check},
    )
    for app in (public, internal):
        for key, use_cases in built.use_cases.items():
            app[key] = use_cases
    return Service(
        name=IDENTITY,
        settings=settings,
        public=public,
        public_port=settings.port,
        internal=internal,
        parts=(
            core.database.opened(),
            core.resource.opened(),
            core.admin.opened(),
            *built.parts,
            supervised("relay", core.relay(built.key_chain).run),
            supervised("changes", core.changes.run),
            supervised("subscriber", subscriber.run),
        ),
    )
