"""A user as identity-svc publishes them."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from shared.contracts.records import NestedUser, UserRecord
from shared.values.timestamps import seconds

MAY_ACT = frozenset({"active", "pending"})
"""The states in which users may log in and change anything; every other state forbids it."""

MAX_LANGUAGE = 64
"""The characters of a language that are looked at; tags of RFC 5646 have at most 35."""

ERASED_VERSION = 2**63 - 1
"""The version of an erased user: no later message about the user has a newer one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Identity's record of a user; `version` grows with every change."""

    uid: str
    email: str
    role: str
    level: int
    otp: bool
    state: str
    referral_uid: str | None
    data: str | None
    created_at: datetime
    updated_at: datetime
    version: int

    @classmethod
    def of(cls, snapshot: Mapping[str, Any]) -> "User":
        """The user that `snapshot` describes; raises KeyError, TypeError or ValueError."""
        fields = {name: snapshot[name] for name in cls.__slots__}
        for moment in ("created_at", "updated_at"):
            fields[moment] = datetime.fromisoformat(fields[moment])
        return cls(**fields)

    @property
    def language(self) -> str:
        """The language that the user chose, as they wrote it; blank if none."""
        return language_in(self.data)

    @property
    def erased(self) -> bool:
        """Whether this is only the mark of an erased user."""
        return self.version == ERASED_VERSION

    def to_internal(self) -> dict[str, Any]:
        """All fields, as services send them to each other."""
        return {
            **asdict(self),
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
        }

    def to_public(self) -> dict[str, Any]:
        """The `User` of the public API."""
        return {
            "email": self.email,
            "uid": self.uid,
            "role": self.role,
            "level": self.level,
            "otp": self.otp,
            "state": self.state,
            "referral_uid": self.referral_uid,
            "data": self.data,
        }

    def to_event(self) -> NestedUser:
        """The user inside the record of an event."""
        return NestedUser(**self._published())

    def to_model_event(self) -> UserRecord:
        """The user as the record of an event."""
        return UserRecord(**self._published())

    def _published(self) -> dict[str, Any]:
        return {
            "uid": self.uid,
            "email": self.email,
            "role": self.role,
            "level": self.level,
            "otp": self.otp,
            "state": self.state,
            "referral_uid": self.referral_uid,
            "created_at": seconds(self.created_at),
            "updated_at": seconds(self.updated_at),
        }


def language_in(data: Any) -> str:
    """The `language` in a user's `data`, which may be anything; blank if there is none."""
    try:
        language = json.loads(data)["language"]
    except (TypeError, ValueError, LookupError, RecursionError):
        return ""
    return language[:MAX_LANGUAGE] if isinstance(language, str) else ""


def erased_user(uid: str, at: datetime) -> User:
    """The record of an erased user, which replicas store in place of the user's."""
    return User(
        uid=uid,
        email="",
        role="",
        level=0,
        otp=False,
        state="erased",
        referral_uid=None,
        data=None,
        created_at=at,
        updated_at=at,
        version=ERASED_VERSION,
    )


def full_information(user: User, attachments: Mapping[str, Any]) -> dict[str, Any]:
    """The `UserWithFullInfo` of the public API; `attachments` are what resource-svc holds."""
    return {
        **user.to_public(),
        "created_at": seconds(user.created_at),
        "updated_at": seconds(user.updated_at),
        **{name: attachments[name] for name in ATTACHMENTS},
    }


ATTACHMENTS = ("labels", "phones", "profiles", "data_storages")
NO_ATTACHMENTS: Mapping[str, Any] = {name: [] for name in ATTACHMENTS}
