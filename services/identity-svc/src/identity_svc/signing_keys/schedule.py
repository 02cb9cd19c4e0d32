"""When a signing key is made, which one signs, and how long the others are needed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

NOTED_EVERY = timedelta(hours=1)
"""How exact `used_at` is: noting each signature would be a write for each token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """A key as it lies in the table: its sealed private half, or the operator's public half."""

    kid: str
    private_key: bytes | None = field(repr=False, default=None)
    public_key: bytes | None = field(repr=False, default=None)
    active_at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What there is to be done to the table."""

    make_key: bool = False
    publish_own: bool = False
    note_use_of: str | None = None
    drop: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Schedule:
    """A key is `published` that long before it signs, signs for `rotation`, is kept for `kept`."""

    published: timedelta
    rotation: timedelta
    kept: timedelta

    def plan(self, keys: Sequence[StoredKey], own: str | None, now: datetime) -> Plan:
        """What an instance has to do that finds these keys; `own` is the operator's."""
        signs = signing_key(keys, own, now)
        return Plan(
            make_key=own is None and self._is_due(keys, now),
            publish_own=own is not None and own not in {key.kid for key in keys},
            note_use_of=signs.kid if signs and _use_is_unnoted(signs, now) else None,
            drop=tuple(
                key.kid for key in keys if key is not signs and self._is_unneeded(key, own, now)
            ),
        )

    def _is_due(self, keys: Sequence[StoredKey], now: datetime) -> bool:
        newest = max((key.active_at for key in keys if key.private_key), default=None)
        return newest is None or newest + self.rotation - self.published <= now

    def _is_unneeded(self, key: StoredKey, own: str | None, now: datetime) -> bool:
        last = max(key.used_at or key.active_at, key.active_at)
        return key.kid != own and last + NOTED_EVERY + self.kept < now


def signing_key(keys: Sequence[StoredKey], own: str | None, now: datetime) -> StoredKey | None:
    """The key that signs now: the operator's, else the newest active one that can.

    Where none is active yet, the one that will be first: there is no other.
    """
    usable = [key for key in keys if key.private_key or key.kid == own]
    active = [key for key in usable if key.active_at <= now]
    if active:
        return max(active, key=lambda key: (key.kid == own, key.active_at, key.kid))
    return min(usable, key=lambda key: (key.active_at, key.kid), default=None)


def _use_is_unnoted(key: StoredKey, now: datetime) -> bool:
    return key.used_at is None or key.used_at + NOTED_EVERY < now
