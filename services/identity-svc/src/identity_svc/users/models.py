"""Users, what belongs to an account besides, and what an e-mail, a uid and data look like."""

import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.contracts.labels import PrivateLabels
from shared.contracts.users import User
from shared.errors import Invalid, NotFound
from shared.json_text import is_json

MAX_EMAIL = 254  # RFC 5321, 4.5.3.1.3, less the angle brackets
MAX_DATA = 1024

_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(rf"(?P<local>{_LOCAL})@(?:{_LABEL}\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]")

COLUMNS = ", ".join(f"users.{name}" for name in User.__slots__)
"""The columns that `user_of` needs, for statements that join the table `users`."""


class UserNotFound(NotFound):
    """No user has this uid."""


class EmailTaken(Invalid):
    """Another account has this e-mail, in whatever case."""

    codes = ("email.taken",)


class UidTaken(Exception):
    """The random uid belongs to somebody; another one will not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """What an account begins with."""

    uid: str
    email: str
    password_digest: str = field(repr=False)
    role: str = "member"
    level: int = 0
    state: str = "pending"
    referral_uid: str | None = None
    data: str | None = None
    email_confirmed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedUser:
    """A user of another Barong, as they are to be here; `private_labels` is a JSON object."""

    uid: str
    email: str
    password_digest: str = field(repr=False)
    role: str
    level: int
    state: str
    referral_uid: str | None
    data: str | None
    private_labels: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user and the digest of their password; `version` grows with every new password."""

    user: User
    digest: str = field(repr=False)
    version: int


@dataclass(frozen=True, slots=True)
class Status:
    """A user, the private labels that were applied to them, and an administrator's refusal."""

    user: User
    applied: PrivateLabels
    refusal: str | None
    """The state in which an administrator keeps them out; None where none does."""


def user_of(row: Any) -> User:
    """The user of a row that has all `COLUMNS`."""
    return User(**{name: row[name] for name in User.__slots__})


def email_faults(email: str) -> list[str]:
    """`email.invalid` unless it is an address that mail can be sent to (RFC 5321, ASCII)."""
    match = _EMAIL.fullmatch(email)
    if match is None or len(email) > MAX_EMAIL or len(match["local"]) > 64:
        return ["email.invalid"]
    return []


def data_faults(data: str | None) -> list[str]:
    """Codes of what is wrong with a user's data, which is a JSON text."""
    if data is None:
        return []
    codes = ["data.too_long"] if len(data) > MAX_DATA else []
    return codes + ([] if is_json(data) else ["data.invalid_format"])


def new_uid(prefix: str) -> str:
    """The prefix and ten random upper-case hex digits."""
    return prefix + secrets.token_hex(5).upper()
