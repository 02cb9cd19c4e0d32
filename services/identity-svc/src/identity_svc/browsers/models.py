"""The cookie that identifies a browser that began a log-in."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class AskingBrowser:
    """What the browser that began a log-in stores, for `seconds`."""

    cookie: str = field(repr=False)
    seconds: int


def browser_of(cookies: Sequence[str]) -> str:
    """The secret of a browser: the one that it sends, else a new one.

    A browser keeps its secret, so that all log-ins that it began work, in whatever order they end.
    """
    return next(filter(_SECRET.fullmatch, cookies), None) or secrets.token_urlsafe(32)


def digest(*parts: str) -> bytes:
    """The digest of secrets; a dot, which none of them has, is between them."""
    return hashlib.sha256(".".join(parts).encode("utf-8", "surrogateescape")).digest()
