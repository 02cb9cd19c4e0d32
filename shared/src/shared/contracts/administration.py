"""Changes that administrators make to users, as admin-svc asks the owners of data for them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from shared.contracts.attachments import AttachmentSnapshot
from shared.contracts.users import User

SUPERADMIN = "superadmin"


@dataclass(frozen=True, slots=True)
class Administrator:
    """The administrator, with the role in which the gateway let them through."""

    uid: str
    role: str

    def to_internal(self) -> dict[str, str]:
        """As it travels in internal calls."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ChangedUser:
    """A user before and after a change; both are the same if nothing changed."""

    before: User
    after: User

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "ChangedUser":
        """What the internal API's answer describes."""
        return cls(User.of(body["before"]), User.of(body["after"]))

    def to_internal(self) -> dict[str, Any]:
        """As the internal API answers."""
        return {"before": self.before.to_internal(), "after": self.after.to_internal()}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedAttachment:
    """Something that a user has attached, before a change and after it, None for none.

    `user` is the user after the change, as far as that was known at once. `sets` are the snapshots
    that the change made; there are none if nothing changed.
    """

    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    user: User
    sets: Sequence[AttachmentSnapshot]

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "ChangedAttachment":
        """What the internal API's answer describes."""
        return cls(
            before=body["before"],
            after=body["after"],
            user=User.of(body["user"]),
            sets=[AttachmentSnapshot.of(each) for each in body["sets"]],
        )

    def to_internal(self) -> dict[str, Any]:
        """As the internal API answers."""
        return {
            "before": self.before,
            "after": self.after,
            "user": self.user.to_internal(),
            "sets": [each.to_internal() for each in self.sets],
        }
