"""admin-svc, which kills itself with -9 at one step of an administrator's change."""

import sys

from admin_svc.app import create_app
from admin_svc.audit.use_cases import AuditTrail
from admin_svc.settings import AdminSettings
from shared.clients.identity import IdentityClient
from shared.process import serve
from shared.settings import load_settings
from tests.chaos.dying_identity import deadly

STEPS: dict[str, tuple[type, str, str]] = {
    "the intent is committed": (IdentityClient, "change_state", "before"),
    "the owner has made the change": (IdentityClient, "change_state", "after"),
    "the outcome is about to be noted": (AuditTrail, "_append_outcome", "before"),
    "the outcome is noted": (AuditTrail, "_append_outcome", "after"),
}

if __name__ == "__main__":
    owner, name, when = STEPS[sys.argv[1]]
    setattr(owner, name, deadly(getattr(owner, name), when))
    serve(create_app(load_settings(AdminSettings)))
