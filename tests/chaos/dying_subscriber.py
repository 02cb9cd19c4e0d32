"""A service that kills itself with -9 at one step of what it does on an event."""

import sys
from typing import Any

from admin_svc.app import create_app as create_admin
from admin_svc.audit.use_cases import AuditTrail
from admin_svc.settings import AdminSettings
from shared.messaging.subscriber import Subscriber
from shared.process import serve
from shared.settings import load_settings
from tests.chaos.dying_eraser import deadly
from webhooks_svc.app import create_app as create_webhooks
from webhooks_svc.deliveries.use_cases import Deliveries
from webhooks_svc.settings import WebhooksSettings

STEPS: dict[str, tuple[str, Any, str, str]] = {
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
    if service == "admin":
        serve(create_admin(load_settings(AdminSettings)))
    else:
        serve(create_webhooks(load_settings(WebhooksSettings)))


if __name__ == "__main__":
    main(sys.argv[1])
