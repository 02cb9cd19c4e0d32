"""What an e-mail, a uid and a user's data look like."""

import json
import re
import secrets

MAX_EMAIL = 254  # RFC 5321, 4.5.3.1.3, less the angle brackets
MAX_DATA = 1024

_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(rf"(?P<local>{_LOCAL})@(?:{_LABEL}\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]")


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


def is_json(text: str) -> bool:
    """Whether `text` is JSON; NaN and Infinity are not."""
    try:
        json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return False
    return True


def new_uid(prefix: str) -> str:
    """The prefix and ten random upper-case hex digits."""
    return prefix + secrets.token_hex(5).upper()


def _no_constant(name: str) -> None:
    raise ValueError(name)
