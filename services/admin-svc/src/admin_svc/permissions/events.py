"""The events of permissions."""

from admin_svc.permissions.models import StoredPermission
from admin_svc.permissions.schemas import permission_to_public
from shared.contracts.events import Event, Record, without_nulls


def permission_event(
    permission: StoredPermission, happened: str, changes: Record | None = None
) -> Event:
    """`model.permission.<happened>`; `changes` are the old values of what changed."""
    return Event(
        name=f"model.permission.{happened}",
        record=without_nulls(permission_to_public(permission)),
        changes=changes,
    )
