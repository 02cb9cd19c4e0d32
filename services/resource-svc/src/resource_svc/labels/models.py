"""Labels: words about a user, each under a key, public or private; and which are valid."""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from shared.errors import BadRequest, Invalid
from shared.values.timestamps import seconds

PUBLIC, PRIVATE = "public", "private"
SCOPES = (PUBLIC, PRIVATE)

MIN_LENGTH, MAX_LENGTH = 3, 255
MAX_PUBLIC_LABELS = 100
"""Nobody needs more; without a limit one user could fill the table."""
MAX_DESCRIPTION = 255

_ALLOWED = re.compile(r"[a-z0-9_-]+")


class TooManyLabels(Invalid):
    """The user has as many public labels as allowed; a code of ours, Barong knows no limit."""

    codes = ("resource.label.limit_reached",)


class LabelIsPrivate(BadRequest):
    """The key is that of a private label, which its user cannot write."""

    codes = ("resource.labels.private",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One label of one user; unique by user, scope and key."""

    id: int
    uid: str
    scope: str
    key: str
    value: str
    description: str | None
    created_at: datetime
    updated_at: datetime

    def to_public(self) -> dict[str, Any]:
        """The `Label` of the public API."""
        return {
            "key": self.key,
            "value": self.value,
            "scope": self.scope,
            "created_at": seconds(self.created_at),
            "updated_at": seconds(self.updated_at),
        }

    def to_administrator(self) -> dict[str, Any]:
        """The `Label` as administrators see it."""
        shown = self.to_public()
        moments = {name: shown.pop(name) for name in ("created_at", "updated_at")}
        return {**shown, "description": self.description, **moments}

    def to_internal(self) -> dict[str, Any]:
        """Everything but our own number, for our own services."""
        record = {
            **asdict(self),
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
        }
        del record["id"]
        return record


def normalized(text: str) -> str:
    """A key or value as it is stored and compared: trimmed, in lower case."""
    return text.strip().lower()


def check(**texts: str) -> None:
    """Raises `Invalid` with every fault of `key=…` and `value=…`, in the order given."""
    faults = [code for name, text in texts.items() for code in _faults(name, text)]
    if faults:
        raise Invalid(faults)


def check_all(*, scope: str, key: str, value: str, description: str | None) -> None:
    """Raises `Invalid` with every fault of a label that an administrator writes."""
    faults = [*_faults("key", key), *_faults("value", value)]
    if scope not in SCOPES:
        faults.append("scope.inclusion")
    if description is not None and len(description) > MAX_DESCRIPTION:
        faults.append("description.too_long")
    if faults:
        raise Invalid(faults)


def _faults(name: str, text: str) -> Iterator[str]:
    if len(text) < MIN_LENGTH:
        yield f"{name}.too_short"
    if len(text) > MAX_LENGTH:
        yield f"{name}.too_long"
    if not _ALLOWED.fullmatch(text):
        yield f"{name}.invalid"
