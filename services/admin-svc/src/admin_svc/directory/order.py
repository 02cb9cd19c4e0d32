"""In which order users are listed, and where in it a list goes on."""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

CREATED_AT, UPDATED_AT, EMAIL = "created_at", "updated_at", "email"
WAITING_SINCE = "waiting_since"

_LONGEST_TEXT = 320


@dataclass(frozen=True, slots=True)
class Order:
    """The order of a list; users who are alike in `by` come in the order of their uids."""

    by: str = CREATED_AT
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place after a user: what he is in `order`, and his uid.

    It is checked, not signed: a forged one shows nothing but what its sender may read anyway.
    """

    order: Order
    position: datetime | str
    uid: str

    def encode(self) -> str:
        """Opaque text for a URL."""
        position = self.position
        told = position.isoformat() if isinstance(position, datetime) else position
        parts = [self.order.by, self.order.descending, told, self.uid]
        text = json.dumps(parts, separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()

    @classmethod
    def decode(cls, text: str, order: Order) -> "Cursor":
        """The cursor that `encode` made in this order; raises ValueError for anything else."""
        try:
            padded = text.encode("ascii") + b"=" * (-len(text) % 4)
            by, descending, position, uid = json.loads(base64.b64decode(padded, b"-_", True))
        except (binascii.Error, RecursionError, TypeError) as error:
            raise ValueError(text) from error
        if (by, descending) != (order.by, order.descending):
            raise ValueError(text)
        position = _text(position)
        if order.by != EMAIL:
            return cls(order, _moment(position), _text(uid))
        return cls(order, position, _text(uid))


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list: the users after a place in it, or after `offset` others."""

    order: Order
    limit: int
    offset: int = 0
    after: Cursor | None = None


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT or not value.isprintable():
        raise ValueError(value)
    return value


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or not 1 < moment.year < 9999:  # every zone has these years
        raise ValueError(text)
    return moment
