"""The events of permissions."""

from admin_svc.permissions.models import StoredPermission
from admin_svc.permissions.schemas import permission_to_public
from shared.contracts.catalogue import PERMISSIONS
from shared.contracts.events import Event, Record
from shared.contracts.records import PermissionRecord


def permission_event(
    permission: StoredPermission, happened: str, changes: Record | None = None
) -> Event:
    """`model.permission.<happened>`; `changes` are the old values of what changed."""
    record = PermissionRecord(**permission_to_public(permission))
    return PERMISSIONS[happened].event(record, changes=changes)
