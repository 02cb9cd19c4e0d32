"""The parameters of the operation on data storages."""

from dataclasses import dataclass

from admin_svc.users.schemas import uid
from shared.declared import declared
from shared.web.fields import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteDataStorageForm:
    """DELETE /admin/users/data_storage."""

    uid: str = declared(uid())
    title: str = declared(
        Text(
            missing=("admin.user.missing_title", "admin.user.empty_title"),
            empty="admin.user.empty_title",
        )
    )
