"""Rows of another Barong's tables, the rules that they have to keep, and what is reported."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from identity_svc.users.models import data_faults, email_faults
from shared.text import ascii_email

REFUSED_USERS, REFUSED_LABELS, OTP_OFF = "users.refused", "labels.refused", "users.otp_off"
REPORTS = (REFUSED_USERS, REFUSED_LABELS, OTP_OFF)

USER_COLUMNS = (
    "uid",
    "email",
    "password_digest",
    "role",
    "level",
    "state",
    "created_at",
    "updated_at",
)
LABEL_COLUMNS = ("key", "value", "scope", "created_at", "updated_at")

_UID = re.compile(r"[A-Z]{2,6}[0-9A-F]{10}")
# Every failed log-in takes as long as the slowest digest, so a cost of 14 (a second) is the most.
_BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|1[0-4])\$[./A-Za-z0-9]{53}")
_ROLE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")
_LABEL = re.compile(r"[a-z0-9_-]{3,255}")
_ID = re.compile(r"[1-9][0-9]{0,17}")
_MAX_DESCRIPTION = 1024
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_BOOLEANS = {"1": True, "t": True, "true": True, "0": False, "f": False, "false": False}


class AnotherImportRuns(Exception):
    """Two imports at once would overwrite each other's reports."""


@dataclass(frozen=True, slots=True)
class Imported:
    """How many users were made and were there already, and how many rows each report has."""

    made: int
    there: int
    reports: Mapping[Path, int]
    refused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something to report about a row."""

    report: str
    line: int
    reasons: Sequence[str]
    user_id: int | None = None
    uid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingUser:
    """A row of users.csv, and what the other rows of the files say about it."""

    line: int
    uid: str
    email: str
    password_digest: str = field(repr=False)
    role: str
    level: int
    state: str
    data: str | None
    created_at: datetime
    updated_at: datetime
    uid_is_second: bool
    email_is_second: bool
    has_referral: bool
    referral_uid: str | None
    referral_in_file: str | None
    """The uid of the row to which the referral points, if there is such a row."""
    has_refused_labels: bool


@dataclass(slots=True)
class _Reading:
    """Reads the values of a row, and collects what is wrong with them."""

    values: Mapping[str, str]
    faults: list[str] = field(default_factory=list)

    def take(self, name: str, read: Callable[[str], Any], default: Any = None) -> Any:
        """One value; one that is blank and has no default is a fault, and so is ValueError."""
        text = self.values.get(name)
        if text is None and default is not None:
            return default
        if text is not None:
            try:
                return read(text)
            except ValueError:
                pass
        self.faults.append(f"{name}.invalid" if text else f"{name}.missing")
        return None

    def take_optional(self, name: str, read: Callable[[str], Any]) -> Any:
        """One value; None for a blank one."""
        return self.take(name, read) if name in self.values else None


@dataclass(frozen=True, slots=True)
class UserRules:
    """What this installation knows: its states, its levels, and the time."""

    states: frozenset[str]
    levels: int
    now: datetime

    def user(self, values: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
        """A row of users.csv as it is stored, and its faults."""
        row = _Reading(values)
        data = values.get("data")
        user = {
            "id": row.take_optional("id", _id),
            "uid": row.take("uid", _matching(_UID)),
            "email": row.take("email", _email),
            "password_digest": row.take("password_digest", _matching(_BCRYPT)),
            "role": row.take("role", _matching(_ROLE)),
            "level": row.take("level", self._level),
            "state": row.take("state", self._state),
            "otp": row.take("otp", _boolean, default=False),
            "data": data,
            "referral_id": row.take_optional("referral_id", _id),
            "referral_uid": row.take_optional("referral_uid", _matching(_UID)),
            "created_at": row.take("created_at", self._moment),
            "updated_at": row.take("updated_at", self._moment),
        }
        return user, row.faults + data_faults(data)

    def label(self, values: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
        """A row of labels.csv as it is stored, and its faults."""
        row = _Reading(values)
        by_uid = "uid" in values
        label = {
            "user_id": None if by_uid else row.take("user_id", _id),
            "uid": row.take("uid", _matching(_UID)) if by_uid else None,
            "scope": row.take("scope", _scope),
            "key": row.take("key", _label_word),
            "value": row.take("value", _label_word),
            "description": row.take_optional("description", _description),
            "created_at": row.take("created_at", self._moment),
            "updated_at": row.take("updated_at", self._moment),
        }
        return label, row.faults

    def _level(self, text: str) -> int:
        if not text.isascii() or not text.isdigit() or len(text) > 3 or int(text) > self.levels:
            raise ValueError
        return int(text)

    def _state(self, text: str) -> str:
        if text not in self.states:
            raise ValueError
        return text

    def _moment(self, text: str) -> datetime:
        """Rails stores UTC, and mostly does not say so."""
        moment = datetime.fromisoformat(text.removesuffix(" UTC"))
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if not _EARLIEST <= moment <= self.now + timedelta(days=1):
            raise ValueError
        return moment


def _matching(pattern: re.Pattern[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError
        return text

    return read


def _email(text: str) -> str:
    text = ascii_email(text)
    if email_faults(text):
        raise ValueError
    return text


def _id(text: str) -> int:
    return int(_matching(_ID)(text))


def _boolean(text: str) -> bool:
    if text.lower() not in _BOOLEANS:
        raise ValueError
    return _BOOLEANS[text.lower()]


def _scope(text: str) -> str:
    if text not in ("public", "private"):
        raise ValueError
    return text


def _label_word(text: str) -> str:
    return _matching(_LABEL)(text.lower())


def _description(text: str) -> str:
    if len(text) > _MAX_DESCRIPTION:
        raise ValueError
    return text
