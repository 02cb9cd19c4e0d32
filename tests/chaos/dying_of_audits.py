"""authz-gateway or admin-svc, which kills itself with -9 at one step of an audit's way."""

import sys
from collections.abc import Callable

from admin_svc.activities.use_cases import Activities
from admin_svc.app import create_app as create_admin
from admin_svc.settings import AdminSettings
from authz_gateway.app import create_app as create_gateway
from authz_gateway.audit.publisher import AuditPublisher
from authz_gateway.audit.queue import AuditQueue
from authz_gateway.settings import GatewaySettings
from shared.process import Service, serve
from shared.settings import load_settings
from tests.chaos.dying_identity import deadly

GATEWAY_STEPS: dict[str, tuple[type, str, str]] = {
    "the call is not yet told of": (AuditQueue, "_publish", "before"),
    "the broker has it": (AuditQueue, "_publish", "after"),
    "the call is about to pass": (AuditPublisher, "record_allowed", "after"),
}
ADMIN_STEPS: dict[str, tuple[type, str, str]] = {
    "it is taken from the queue": (Activities, "record_audit", "before"),
    "it is committed, and not acknowledged": (Activities, "record_audit", "after"),
}


def _gateway() -> Service:
    return create_gateway(load_settings(GatewaySettings))


def _admin() -> Service:
    return create_admin(load_settings(AdminSettings))


SERVICES: dict[str, tuple[dict[str, tuple[type, str, str]], Callable[[], Service]]] = {
    "gateway": (GATEWAY_STEPS, _gateway),
    "admin": (ADMIN_STEPS, _admin),
}

if __name__ == "__main__":
    steps, create = SERVICES[sys.argv[1]]
    owner, name, when = steps[sys.argv[2]]
    setattr(owner, name, deadly(getattr(owner, name), when))
    serve(create())
