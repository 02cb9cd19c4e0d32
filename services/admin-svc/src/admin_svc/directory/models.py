"""Users as the directory lists them: filters, orders, cursors, pages, and errors."""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from admin_svc.directory.facets import PROFILE_FIELDS, label_facet, profile_facet
from admin_svc.user_counts.models import CountedUsers
from shared.contracts.users import User
from shared.errors import Invalid, NotFound
from shared.values.totals import Total

CREATED_AT, UPDATED_AT, EMAIL = "created_at", "updated_at", "email"
WAITING_SINCE = "waiting_since"

_WORD = re.compile(r"[^\W_]")
_TRIGRAM = re.compile(r"[^\W_]{3}")
_LONGEST_TEXT = 320


class UserNotFound(NotFound):
    """No user has this uid."""

    codes = ("admin.user.doesnt_exist",)


class InvalidCursor(Invalid):
    """The text is no cursor, or one of a list in another order; a code of ours."""

    codes = ("admin.user.invalid_cursor",)


def is_searchable(text: str) -> bool:
    """Whether an index finds a text.

    The index finds three letters or digits side by side, anywhere. A text without such is looked
    for at the beginning of e-mails and names only; it must begin with a letter or digit.
    """
    return bool(_TRIGRAM.search(text) or _WORD.match(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFilter:
    """The conditions that a user has to meet; None lets everyone pass.

    E-mails and names are compared regardless of case. A name or country is that of any of the
    user's profiles; a label is (scope, key, value). Spans hold their beginning and not their end.
    `waiting` finds only users whose documents wait for a verdict.
    """

    uid: str | None = None
    email: str | None = None
    role: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    country: str | None = None
    level: int | None = None
    state: str | None = None
    label: tuple[str, str, str] | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    updated_from: datetime | None = None
    updated_to: datetime | None = None
    waiting: bool = False
    q: str | None = None

    @property
    def facets(self) -> list[str]:
        """The facets that the user must have."""
        asked = {name: getattr(self, name) for name in PROFILE_FIELDS}
        facets = [profile_facet(name, value) for name, value in asked.items() if value is not None]
        return facets + ([label_facet(*self.label)] if self.label else [])

    @property
    def pattern(self) -> str | None:
        """The pattern of LIKE for `q`, in which every character stands for itself."""
        if self.q is None:
            return None
        literal = "".join(f"\\{sign}" if sign in "\\%_" else sign for sign in self.q.lower())
        return f"%{literal}%" if _TRIGRAM.search(self.q) else f"%\n{literal}%"

    @property
    def clock(self) -> Literal["created", "updated"]:
        """Whether the span is one of sign-ups or of last changes."""
        return "updated" if self.updated_from or self.updated_to else "created"

    @property
    def span(self) -> tuple[datetime | None, datetime | None]:
        """The beginning and the end of the span."""
        if self.clock == "updated":
            return self.updated_from, self.updated_to
        return self.created_from, self.created_to

    def within(self, start: datetime | None, end: datetime | None) -> "UserFilter":
        """The same filter with another span."""
        if self.clock == "updated":
            return replace(self, updated_from=start, updated_to=end)
        return replace(self, created_from=start, created_to=end)

    @property
    def walked(self) -> "UserFilter":
        """The users that a walk through the list in its order reads: its index holds no others."""
        return UserFilter(
            created_from=self.created_from,
            created_to=self.created_to,
            updated_from=self.updated_from,
            updated_to=self.updated_to,
            waiting=self.waiting,
        )

    @property
    def counted(self) -> CountedUsers | None:
        """The same without its span, as counts are kept; None where no such count is kept."""
        if any((self.uid, self.email, self.first_name, self.last_name, self.label, self.q)):
            return None
        return CountedUsers(
            clock=self.clock,
            country=self.country,
            role=self.role,
            state=self.state,
            level=self.level,
            waiting=self.waiting,
        )


@dataclass(frozen=True, slots=True)
class Order:
    """The order of a list; users who are equal in `by` are ordered by uid."""

    by: str = CREATED_AT
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place after a user: the user's value in `order`, and the uid.

    A cursor is checked, not signed: a forged one shows only what its sender may read anyway.
    """

    order: Order
    position: datetime | str
    uid: str

    def encode(self) -> str:
        """Opaque text for a URL."""
        position = self.position
        text = position.isoformat() if isinstance(position, datetime) else position
        parts = [self.order.by, self.order.descending, text, self.uid]
        encoded = json.dumps(parts, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(encoded).rstrip(b"=").decode()

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
    """A part of a list: the users after a cursor, or after `offset` others."""

    order: Order
    limit: int
    offset: int = 0
    after: Cursor | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A user, and the user's value in the order of the list."""

    user: User
    position: datetime | str


@dataclass(frozen=True, slots=True)
class Found:
    """One page, the number of all users found, and the cursor of the next page, if there is one."""

    users: Sequence[User]
    total: Total
    next: Cursor | None


@dataclass(frozen=True, slots=True)
class UserWithAttachments:
    """A user and the records of the user's attachments by kind; `links` are URLs of uploads."""

    user: User
    attachments: Mapping[str, Sequence[Mapping[str, Any]]]
    links: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a rebuild: users up to `last_uid` are done; numbers are since its start."""

    last_uid: str
    users: int
    removed: int

    def after(self, last_uid: str, users: int, removed: int) -> "Progress":
        """The progress after a page with so many users, and so many that were removed."""
        return Progress(last_uid, self.users + users, self.removed + removed)


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT or not value.isprintable():
        raise ValueError(value)
    return value


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or not 1 < moment.year < 9999:  # every zone has these years
        raise ValueError(text)
    return moment
