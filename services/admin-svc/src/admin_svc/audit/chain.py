"""The chain of audit entries: what each of them covers with its hash."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from shared.contracts.secrets import is_secret

Kind = Literal["change", "intent", "outcome", "erasure"]
Result = Literal["done", "refused", "unknown"]

BEGINNING = bytes(32)
"""What stands in place of the hash before the first entry."""

_REMOVED = "[removed]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry; `commitment` is that to its payload, None where it has none."""

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
        """SHA-256 of everything that the entry says, and of the entry before it."""
        said = [
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
        return hashlib.sha256(json.dumps(said, separators=(",", ":")).encode()).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEntry:
    """An entry as it lies in the table, with its payload where that was not erased."""

    entry: Entry
    previous_hash: bytes
    hash: bytes
    salt: bytes | None
    payload: str | None


def commitment_to(salt: bytes, payload: str) -> bytes:
    """What proves the payload to who has it, and tells nothing of it to who has not."""
    return hashlib.sha256(salt + payload.encode()).digest()


def payload_of(said: Mapping[str, Any]) -> str:
    """What is kept of a change: JSON, with whatever is named like a secret taken out."""
    return json.dumps(_without_secrets(said), ensure_ascii=False, sort_keys=True)


def _without_secrets(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            key: _REMOVED if is_secret(key, part) else _without_secrets(part)
            for key, part in value.items()
        }
    if isinstance(value, list | tuple):
        return [_without_secrets(part) for part in value]
    return value
