"""A user's attachments, as resource-svc publishes them to the directory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LABELS, PROFILES, PHONES = "labels", "profiles", "phones"
DOCUMENTS, DATA_STORAGES = "documents", "data_storages"

KINDS = (LABELS, PROFILES, PHONES, DOCUMENTS, DATA_STORAGES)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentSnapshot:
    """All that a user has of one kind, the oldest first.

    `version` grows with every change of the snapshot, deletions too. A projection that stores the
    newest snapshot needs no tombstones: a late message cannot bring back what was deleted.
    """

    uid: str
    kind: str
    version: int
    records: Sequence[Mapping[str, Any]]

    @classmethod
    def of(cls, snapshot: Mapping[str, Any]) -> "AttachmentSnapshot":
        """The attachments that `snapshot` describes; raises KeyError, TypeError or ValueError."""
        if snapshot["kind"] not in KINDS:
            raise ValueError(snapshot["kind"])
        return cls(
            uid=str(snapshot["uid"]),
            kind=snapshot["kind"],
            version=int(snapshot["version"]),
            records=[dict(record) for record in snapshot["records"]],
        )

    def to_internal(self) -> dict[str, Any]:
        """As it travels in events and internal calls."""
        return {
            "uid": self.uid,
            "kind": self.kind,
            "version": self.version,
            "records": [dict(record) for record in self.records],
        }
