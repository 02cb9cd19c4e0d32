"""The names of secrets: no log and no audit trail has their values."""

import re
from collections.abc import Mapping
from typing import Any

_SECRET = re.compile(
    r"passw|secret|token|otp[_-]?code|totp|verification[_-]?code|captcha"
    r"|credential|signature|private[_-]?key|authorization|^pin$",
    re.IGNORECASE,
)
_REMOVED = "[removed]"
_CODE = "code"
_STATUS = re.compile(r"[1-5][0-9]{2}")


def is_secret(name: str, value: Any) -> bool:
    """Whether the value under this name is a secret.

    A `code` is one, of a phone or an authenticator, unless it is a status, as in restrictions.
    """
    if name.lower() == _CODE:
        return not _STATUS.fullmatch(str(value).strip())
    return bool(_SECRET.search(name))


def without_secrets(value: Any) -> Any:
    """A JSON value, in which a remark replaces the values whose names mean a secret."""
    if isinstance(value, Mapping):
        return {
            key: _REMOVED if is_secret(key, part) else without_secrets(part)
            for key, part in value.items()
        }
    if isinstance(value, list | tuple):
        return [without_secrets(part) for part in value]
    return value
