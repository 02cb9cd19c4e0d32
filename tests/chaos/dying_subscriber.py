"""A service that kills itself with -9 at one step of what it does on an event."""

import sys
from typing import Any

from admin_svc.app import create_app as create_admin
from admin_svc.audit.use_cases import AuditTrail
from admin_svc.settings import AdminSettings
from identity_svc.account_status.use_cases import AccountStatus
from identity_svc.app import create_app as create_identity
from identity_svc.settings import IdentitySettings
from resource_svc.app import create_app as create_resource
from resource_svc.labels.use_cases import Labels
from resource_svc.settings import ResourceSettings
from shared.messaging.subscriber import Subscriber
from shared.process import serve
from shared.settings import load_settings
from tests.chaos.dying_eraser import deadly
from webhooks_svc.app import create_app as create_webhooks
from webhooks_svc.deliveries.use_cases import Deliveries
from webhooks_svc.settings import WebhooksSettings

STEPS: dict[str, tuple[str, Any, str, str]] = {
    "identity-svc has read the event": ("identity", Subscriber, "_react", "before"),
    "identity-svc has not committed": ("identity", AccountStatus, "apply_labels_within", "after"),
    "identity-svc has not acknowledged": ("identity", Subscriber, "_react", "after"),
    "resource-svc has read the event": ("resource", Subscriber, "_react", "before"),
    "resource-svc has not committed": ("resource", Labels, "verify_email", "after"),
    "resource-svc has not acknowledged": ("resource", Subscriber, "_react", "after"),
    "admin-svc has read the event": ("admin", Subscriber, "_react", "before"),
    "admin-svc has not committed": ("admin", AuditTrail, "append_webhook_change", "after"),
    "admin-svc has not acknowledged": ("admin", Subscriber, "_react", "after"),
    "webhooks-svc has not committed": ("webhooks", Deliveries, "accept", "after"),
    "webhooks-svc has not acknowledged": ("webhooks", Subscriber, "_react", "after"),
    "webhooks-svc has claimed the delivery": ("webhooks", Deliveries, "_attempt", "before"),
    "webhooks-svc has sent it, and stored nothing": ("webhooks", Deliveries, "_store", "before"),
    "webhooks-svc has stored its outcome": ("webhooks", Deliveries, "_store", "after"),
}
"""The service, and the function that it does not survive."""


def main(step: str) -> None:
    """Serves until it dies."""
    service, owner, name, when = STEPS[step]
    setattr(owner, name, deadly(getattr(owner, name), when))
    match service:
        case "identity":
            serve(create_identity(load_settings(IdentitySettings)))
        case "resource":
            serve(create_resource(load_settings(ResourceSettings)))
        case "admin":
            serve(create_admin(load_settings(AdminSettings)))
        case _:
            serve(create_webhooks(load_settings(WebhooksSettings)))


if __name__ == "__main__":
    main(sys.argv[1])
