"""The events of endpoints."""

from shared.contracts.catalogue import WEBHOOK_DISABLED
from shared.contracts.events import Event
from shared.contracts.records import WebhookRecord
from webhooks_svc.endpoints.models import Endpoint


def disabled_event(endpoint: Endpoint, reason: str) -> Event:
    """The service itself disabled an endpoint."""
    return WEBHOOK_DISABLED.event(WebhookRecord(id=endpoint.id, url=endpoint.url, reason=reason))
