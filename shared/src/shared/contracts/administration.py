"""Changes that administrators make to users, as admin-svc asks identity-svc for them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from shared.contracts.users import User

SUPERADMIN = "superadmin"


@dataclass(frozen=True, slots=True)
class Administrator:
    """Who asks, and the role in which he was let through."""

    uid: str
    role: str

    def body(self) -> dict[str, str]:
        """As it travels in internal calls."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ChangedUser:
    """A user before a change and after it; the same twice when there was nothing to change."""

    before: User
    after: User

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "ChangedUser":
        """What the internal API's answer describes."""
        return cls(User.of(body["before"]), User.of(body["after"]))

    def body(self) -> dict[str, Any]:
        """As the internal API answers."""
        return {"before": self.before.snapshot(), "after": self.after.snapshot()}
