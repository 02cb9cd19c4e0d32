"""Wires console-svc."""

from aiohttp import web

from console_svc.core import Core
from console_svc.documents.handlers import DOCUMENT_TYPES, read_document_types
from console_svc.routes import PAGES
from console_svc.settings import ConsoleSettings
from console_svc.site import site
from shared.contracts.services import CONSOLE
from shared.process import Service
from shared.web.applications import WebLayer
from shared.web.server import HTTP_METRICS


def create_app(settings: ConsoleSettings) -> Service:
    """The service, not yet running; raises `SettingsError` for faults of its files."""
    core = Core.of(settings)
    layer = WebLayer(core.registry, settings.trusted_proxies, log_probes=settings.log_probes)
    public = web.Application(middlewares=layer.middlewares)
    public[HTTP_METRICS] = layer.metrics
    public[DOCUMENT_TYPES] = read_document_types(settings.document_types_path)
    if settings.served:
        site(public, PAGES, core)
    return Service(
        name=CONSOLE,
        settings=settings,
        # No dependency is needed to be ready: without the gateway nobody gets here.
        internal=layer.internal((), service_tokens=None, checks={}),
        parts=(core.api.opened(),),
        public=public,
        public_port=settings.port,
    )
