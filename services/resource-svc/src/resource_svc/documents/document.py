"""A document: one uploaded file, and what its user says about it."""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document of one user; `upload` is the key of its object.

    `version` is that of all documents of the user when this one changed last; it only grows.
    """

    id: int
    uid: str
    upload: str
    doc_type: str
    doc_number: str
    doc_expire: date | None
    metadata: str | None
    version: int
    created_at: datetime
    updated_at: datetime

    def model(self, url: str) -> dict[str, Any]:
        """The `Document` as its user sees it; the file is at `url`, for a while."""
        return {
            "upload": {"url": url},
            "doc_type": self.doc_type,
            "doc_number": self.doc_number,
            "doc_expire": self.expiry,
        }

    @property
    def expiry(self) -> str | None:
        """YYYY-MM-DD."""
        return self.doc_expire.isoformat() if self.doc_expire else None

    def snapshot(self) -> dict[str, Any]:
        """Everything, as our services tell each other."""
        return {
            **asdict(self),
            "doc_expire": self.expiry,
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
        }
