"""Every URL of webhooks-svc."""

from typing import Any

from shared.archive import handlers as archive
from shared.web.routes import BEARER, Route
from webhooks_svc.deliveries import handlers as deliveries
from webhooks_svc.endpoints import handlers as endpoints

# fmt: off
PUBLIC: tuple[Route[Any], ...] = (
    Route("GET",    "",                        BEARER, endpoints.index),
    Route("POST",   "",                        BEARER, endpoints.create),
    Route("GET",    "/{id}",                   BEARER, endpoints.show),
    Route("PUT",    "/{id}",                   BEARER, endpoints.update),
    Route("DELETE", "/{id}",                   BEARER, endpoints.delete),
    Route("POST",   "/{id}/secret",            BEARER, endpoints.rotate_secret),
    Route("POST",   "/{id}/test",              BEARER, deliveries.test),
    Route("GET",    "/{id}/deliveries",        BEARER, deliveries.index),
    Route("POST",   "/{id}/deliveries/{delivery_id}/resend", BEARER, deliveries.resend),
    Route("POST",   "/{id}/resend",            BEARER, deliveries.resend_span),
)
# fmt: on

INTERNAL: tuple[Route[Any], ...] = archive.ROUTES
