"""How recovery codes are made, read and stored."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

CODES = 10
"""The codes that a user gets at once."""

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's Base32: no I, L, O or U
_LENGTH = 16  # 80 bits
_GROUP = 4
_READ_AS = str.maketrans("OIL", "011")


@dataclass(frozen=True, slots=True)
class RecoveryCodes:
    """New codes as they are shown, once."""

    codes: Sequence[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Remaining:
    """How many codes are left, and when all of them were made; None without any."""

    number: int
    created_at: datetime | None


def new_code() -> str:
    """A random code in groups: `XXXX-XXXX-XXXX-XXXX`."""
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    return "-".join(letters[n : n + _GROUP] for n in range(0, _LENGTH, _GROUP))


def is_recovery_code(code: str) -> bool:
    """Whether this looks like a recovery code, and not like one of an authenticator."""
    return len(_read(code)) == _LENGTH


def digest_of(uid: str, code: str) -> bytes:
    """The stored form of a user's code; spelling variants of a code have the same one."""
    return hashlib.sha256(f"{uid}:{_read(code)}".encode()).digest()


def _read(code: str) -> str:
    return "".join(filter(str.isalnum, code)).upper().translate(_READ_AS)
