"""Builds admin-svc: its features, and what connects them to HTTP and to the broker."""

from admin_svc import features
from admin_svc.core import Core
from admin_svc.routes import INTERNAL, PREFIX, PUBLIC
from admin_svc.schema import MIGRATIONS
from admin_svc.settings import AdminSettings
from shared.contracts.services import ADMIN
from shared.database.migrate import MigratedCheck
from shared.messaging.supervision import supervised
from shared.process import Service
from shared.web.applications import WebLayer


def create_app(settings: AdminSettings) -> Service:
    """admin-svc, not yet running; none of its dependencies has to be up.

    Raises `SettingsError` for faults in configuration files.
    """
    core = Core.of(settings)
    built = features.build(core)
    layer = WebLayer(
        core.registry,
        settings.trusted_proxies,
        core.changes.publish,
        log_probes=settings.log_probes,
    )
    public = layer.public(PUBLIC, prefix=PREFIX, bearers=core.bearers())
    internal = layer.internal(
        INTERNAL,
        service_tokens=core.service_tokens,
        checks={"postgresql": MigratedCheck(core.database, MIGRATIONS), "keys": core.keys.loaded},
        watched={"rabbitmq": built.subscribers.events.check},
    )
    for app in (public, internal):
        for key, use_cases in built.use_cases.items():
            app[key] = use_cases
    return Service(
        name=ADMIN,
        settings=settings,
        public=public,
        public_port=settings.port,
        internal=internal,
        parts=(
            core.database.opened(),
            core.identity.opened(),
            core.resource.opened(),
            core.webhooks.opened(),
            core.oauth.opened(),
            supervised("relay", core.relay().run),
            supervised("changes", core.changes.run),
            *built.parts,
        ),
    )
