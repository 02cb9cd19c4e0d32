"""Labels, as services send them to each other."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

DELETED_BY_USER = ("delete", "by_user")
"""The private label of users who deleted their own account."""


@dataclass(frozen=True, slots=True)
class PrivateLabels:
    """All private labels of one user, key to value; `version` grows with every change."""

    uid: str
    version: int
    labels: Mapping[str, str]

    @classmethod
    def of(cls, snapshot: Mapping[str, Any]) -> "PrivateLabels":
        """The labels that `snapshot` describes; raises KeyError, TypeError or ValueError."""
        return cls(str(snapshot["uid"]), int(snapshot["version"]), dict(snapshot["labels"]))

    def to_internal(self) -> dict[str, Any]:
        """As it travels in events and internal calls."""
        return {"uid": self.uid, "version": self.version, "labels": dict(self.labels)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedLabel:
    """A label that is imported with a user from another Barong, in the event of the import."""

    scope: str
    key: str
    value: str
    description: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, snapshot: Mapping[str, Any]) -> "ImportedLabel":
        """The label that `snapshot` describes; raises KeyError, TypeError or ValueError."""
        fields = {name: snapshot[name] for name in cls.__slots__}
        for moment in ("created_at", "updated_at"):
            fields[moment] = datetime.fromisoformat(fields[moment])
        return cls(**fields)

    def to_internal(self) -> dict[str, Any]:
        """As it travels in an event."""
        return {
            **asdict(self),
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
        }
