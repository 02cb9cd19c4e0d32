"""A service that kills itself with -9 at one step of the erasure of a user."""

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from admin_svc.activities.use_cases import Activities
from admin_svc.app import create_app as create_admin
from admin_svc.audit import store as audit_trail
from admin_svc.directory.use_cases import Directory
from admin_svc.settings import AdminSettings
from identity_svc.app import create_app as create_identity
from identity_svc.erasure.use_cases import Erasure
from identity_svc.settings import IdentitySettings
from resource_svc.app import create_app as create_resource
from resource_svc.documents import store as documents
from resource_svc.documents.storage import Folder
from resource_svc.documents.use_cases import Uploads
from resource_svc.settings import ResourceSettings
from shared.process import serve
from shared.settings import load_settings

HALF_WAY = "admin-svc has erased some activities"
STEPS: dict[str, tuple[str, Any, str, str]] = {
    "identity-svc has not committed": ("identity", Erasure, "_erase_within", "after"),
    "resource-svc has not committed": ("resource", documents, "erase", "after"),
    "resource-svc has not deleted the files": ("resource", Uploads, "discard", "before"),
    "resource-svc has deleted a file": ("resource", Folder, "delete", "after"),
    "admin-svc has not set its mark": ("admin", Directory, "erase", "after"),
    "admin-svc has set its mark": ("admin", Activities, "erase", "before"),
    HALF_WAY: ("admin", Activities, "erase_batch", "after"),
    "admin-svc has not committed": ("admin", audit_trail, "delete_payloads", "after"),
}
"""The service, and the function that it does not survive."""


def deadly(function: Callable[..., Awaitable[Any]], when: str) -> Callable[..., Awaitable[Any]]:
    """The same function, before or after which the power is gone."""

    async def wrapped(*arguments: Any) -> Any:
        if when == "after":
            await function(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)

    return wrapped


def main(step: str) -> None:
    """Serves until it dies."""
    service, owner, name, when = STEPS[step]
    setattr(owner, name, deadly(getattr(owner, name), when))
    match service:
        case "identity":
            serve(create_identity(load_settings(IdentitySettings)))
        case "resource":
            serve(create_resource(load_settings(ResourceSettings)))
        case _:
            serve(create_admin(load_settings(AdminSettings)))


if __name__ == "__main__":
    main(sys.argv[1])
