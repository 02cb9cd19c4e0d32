"""The events of endpoints."""

from shared.contracts.catalogue import WEBHOOK_DISABLED, WEBHOOK_ENDPOINTS
from shared.contracts.events import Event
from shared.contracts.records import WebhookEndpointRecord, WebhookRecord
from shared.values.principal import Principal
from webhooks_svc.endpoints.models import Endpoint

_HAPPENED = {"secret_rotated": "updated"}
_WRITTEN = ("url", "description", "events", "state")


def disabled_event(endpoint: Endpoint, reason: str) -> Event:
    """The service itself disabled an endpoint."""
    return WEBHOOK_DISABLED.event(WebhookRecord(id=endpoint.id, url=endpoint.url, reason=reason))


def changed_event(
    endpoint: Endpoint, action: str, actor: Principal, before: Endpoint | None = None
) -> Event:
    """An administrator changed an endpoint: admin-svc records it in the audit trail.

    `before` is the endpoint before an update.
    """
    record = WebhookEndpointRecord(
        id=endpoint.id,
        url=endpoint.url,
        description=endpoint.description,
        events=list(endpoint.events),
        state=endpoint.state,
        action=action,
        author_uid=actor.uid,
        author_role=actor.role,
    )
    happened = _HAPPENED.get(action, action)
    return WEBHOOK_ENDPOINTS[happened].event(record, changes=_changes(before, endpoint))


def _changes(before: Endpoint | None, after: Endpoint) -> dict[str, object] | None:
    """The former values of what changed."""
    if before is None:
        return None
    return {
        name: getattr(before, name)
        for name in _WRITTEN
        if getattr(before, name) != getattr(after, name)
    }
