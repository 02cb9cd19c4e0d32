"""The parameters of the operations on permissions."""

from collections.abc import Mapping
from dataclasses import dataclass

from admin_svc.permissions.rules import MAX_PATH, MAX_WORD
from shared.contracts.policy import Permission
from shared.declared import declared
from shared.web.fields import Integer, Text


def _text(name: str, *, required: bool, maximum: int = MAX_WORD) -> Text:
    empty = f"admin.permission.empty_{name}"
    missing = (f"admin.permission.missing_{name}", empty) if required else ()
    return Text(missing=missing, empty=empty, maximum=maximum)


def _id() -> Integer:
    empty = "admin.permission.empty_id"
    return Integer(missing=("admin.permission.missing_id", empty), empty=empty, maximum=2**63 - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddPermissionForm:
    """POST /admin/permissions."""

    role: str = declared(_text("role", required=True))
    verb: str = declared(_text("verb", required=True))
    path: str = declared(_text("path", required=True, maximum=MAX_PATH))
    action: str = declared(_text("action", required=True))
    topic: str | None = declared(_text("topic", required=False), None)

    @property
    def rule(self) -> Permission:
        """The permission as it was asked for, not yet checked."""
        return Permission(self.role, self.verb, self.path, self.action, self.topic)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePermissionForm:
    """PUT /admin/permissions."""

    id: int = declared(_id())
    role: str | None = declared(_text("role", required=False), None)
    verb: str | None = declared(_text("verb", required=False), None)
    path: str | None = declared(_text("path", required=False, maximum=MAX_PATH), None)
    action: str | None = declared(_text("action", required=False), None)
    topic: str | None = declared(_text("topic", required=False), None)

    @property
    def given(self) -> Mapping[str, str]:
        """The values to set, by field."""
        values = {name: getattr(self, name) for name in Permission.__slots__}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovePermissionForm:
    """DELETE /admin/permissions."""

    id: int = declared(_id())
