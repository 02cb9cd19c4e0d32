"""Audit entries, the chain of their hashes, and who makes changes."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from shared.contracts.administration import Administrator
from shared.contracts.secrets import without_secrets
from shared.values.principal import Principal

Kind = Literal["change", "intent", "outcome", "erasure"]
Result = Literal["done", "refused", "unknown"]

BEGINNING = bytes(32)
"""The hash before the first entry."""


class BrokenChain(Exception):
    """Somebody tampered with the chain; the message says where it breaks first."""


@dataclass(frozen=True, slots=True)
class Actor:
    """An administrator with the role in which they called, or something else that makes changes."""

    uid: str | None
    role: str

    @classmethod
    def of(cls, principal: Principal) -> "Actor":
        """The caller."""
        return cls(principal.uid, principal.role)

    @property
    def administrator(self) -> Administrator:
        """The actor in the form that the owning service expects."""
        return Administrator(self.uid or "", self.role)


SEED = Actor(None, "seed")
"""The command that adds missing permissions."""

WHITELINK = Actor(None, "whitelink")
"""A caller with the token of a whitelink."""

BREAK_GLASS = Actor(None, "break-glass")
"""The command that switches restrictions off."""

ERASURE = Actor(None, "erasure")
"""The reaction to the erasure of a user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry; `commitment` is the commitment to its payload, None where it has none."""

    id: int
    at: datetime
    kind: Kind
    action: str
    author_uid: str | None
    author_role: str
    target_uid: str | None
    intent_id: int | None
    result: Result | None
    commitment: bytes | None

    def hash_after(self, previous: bytes) -> bytes:
        """SHA-256 of all fields and of the previous entry's hash."""
        fields = [
            self.id,
            self.at.astimezone(UTC).isoformat(timespec="microseconds"),
            self.kind,
            self.action,
            self.author_uid,
            self.author_role,
            self.target_uid,
            self.intent_id,
            self.result,
            self.commitment.hex() if self.commitment is not None else None,
            previous.hex(),
        ]
        return hashlib.sha256(json.dumps(fields, separators=(",", ":")).encode()).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEntry:
    """An entry as it is stored, with its payload where that was not erased."""

    entry: Entry
    previous_hash: bytes
    hash: bytes
    salt: bytes | None
    payload: str | None


@dataclass(slots=True)
class Verified:
    """The entries verified so far; store `head`, a hash that covers all of them, elsewhere."""

    entries: int = 0
    head: bytes = BEGINNING
    erased: int = 0
    unaccounted: dict[str, list[int]] = field(default_factory=dict)
    """By uid, the entries whose payloads are missing and whose erasure did not follow yet."""

    def add(self, stored: StoredEntry) -> None:
        """Verifies the next entry; raises `BrokenChain`."""
        entry = stored.entry
        if entry.id != self.entries + 1:
            raise BrokenChain(f"entry {self.entries + 1} is missing")
        if stored.previous_hash != self.head:
            raise BrokenChain(f"entry {entry.id} does not follow the one before it")
        if stored.hash != entry.hash_after(self.head):
            raise BrokenChain(f"entry {entry.id} says something else than when it was appended")
        if stored.payload is not None and stored.salt is not None:
            if commitment_to(stored.salt, stored.payload) != entry.commitment:
                raise BrokenChain(
                    f"entry {entry.id}: its payload is another than when it was appended"
                )
        elif entry.commitment is not None:
            self.erased += 1
            self.unaccounted.setdefault(entry.target_uid or "", []).append(entry.id)
        if entry.kind == "erasure":
            self.unaccounted.pop(entry.target_uid or "", None)
        self.entries, self.head = entry.id, stored.hash

    def end(self) -> None:
        """Verifies that every missing payload was erased; raises `BrokenChain`."""
        for numbers in self.unaccounted.values():
            raise BrokenChain(
                f"entry {numbers[0]}: its payload is missing, and no erasure is noted"
            )


def commitment_to(salt: bytes, payload: str) -> bytes:
    """A proof of the payload for a reader who has it, which reveals nothing of it to others."""
    return hashlib.sha256(salt + payload.encode()).digest()


def payload_of(said: Mapping[str, Any]) -> str:
    """The payload of a change: JSON, without the values whose names mean a secret."""
    return json.dumps(without_secrets(said), ensure_ascii=False, sort_keys=True)
