"""Cross-origin calls, as the Fetch standard (3.2) lets browsers make them."""

import re
from dataclasses import dataclass

from multidict import MultiMapping
from yarl import URL

ANY = "*"
_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
_EXPOSED = (
    "Authorization, Link, Next-Cursor, Page, Per-Page, Retry-After, Total, Total-Relation, "
    "X-Request-Id"
)
"""What pages may read besides what they always may; the first is the bearer that a log-in gives."""

_FIELD_NAMES = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z, -]{1,1000}")
_HOST = re.compile(r"[0-9a-z.:-]+")
_SUBDOMAIN = re.compile(r"(https?://)[0-9a-z](?:[0-9a-z-]{0,61}[0-9a-z])?(\.[0-9a-z.:-]+)")
"""A host name of two labels or more; what stands before and behind its first label."""

_WILDCARD = re.compile(r"(https?://)\*\.((?:[0-9a-z-]+\.)+[a-z][0-9a-z-]*(?::[0-9]+)?)")
"""An asterisk in place of the first label, above a name of two labels or more."""


@dataclass(frozen=True, slots=True)
class Cors:
    """From where pages may call us; of `*` nobody else is one, and credentials do not go with it.

    `https://*.example.com` stands for every origin with one label in place of the asterisk.

    Answers are tuples of header lines.
    """

    origins: frozenset[str]
    credentials: bool
    """Whether they may send cookies."""
    max_age: int
    """How long, in seconds, browsers need not ask again."""

    def preflight(self, method: str, headers: MultiMapping[str]) -> tuple[str, ...] | None:
        """What a browser that asks whether it may call is told besides `lines`; None for others.

        It asks without credentials, before each kind of call. It is told before anything is
        decided, so that pages can read the decision itself, and why it was as it was.
        """
        if method != "OPTIONS" or "Access-Control-Request-Method" not in headers:
            return None
        origin = headers.get("Origin")
        if origin is None:
            return None
        if not self._allows(origin):
            return ()
        asked = headers.get("Access-Control-Request-Headers", "")
        names = (f"Access-Control-Allow-Headers: {asked}",) if _FIELD_NAMES.fullmatch(asked) else ()
        return (
            f"Access-Control-Allow-Methods: {_METHODS}",
            *names,
            f"Access-Control-Max-Age: {self.max_age}",
        )

    def lines(self, origin: str | None) -> tuple[str, ...]:
        """What stands in every answer to a page of `origin`, None for who is no such page."""
        if ANY in self.origins:
            if origin is None:
                return ()
            return "Access-Control-Allow-Origin: *", f"Access-Control-Expose-Headers: {_EXPOSED}"
        if origin is None or not self._allows(origin):
            return ("Vary: Origin",)  # for caches: others get another answer
        return (
            f"Access-Control-Allow-Origin: {origin}",
            "Vary: Origin",
            *(("Access-Control-Allow-Credentials: true",) if self.credentials else ()),
            f"Access-Control-Expose-Headers: {_EXPOSED}",
        )

    def counted_as(self, origin: str) -> str | None:
        """Whom `lines` takes a page of `origin` for: an origin that is allowed, or None.

        What is made for None serves every page that may not call.
        """
        if ANY in self.origins:
            return ANY
        return origin if self._allows(origin) else None

    def _allows(self, origin: str) -> bool:
        if ANY in self.origins:
            return True
        if "*" in origin:
            return False
        below = _SUBDOMAIN.fullmatch(origin)
        return origin in self.origins or (
            below is not None and f"{below[1]}*{below[2]}" in self.origins
        )


def origins(text: str) -> frozenset[str]:
    """The origins of a comma separated list, or `*`; raises ValueError."""
    found = frozenset(part.strip() for part in text.split(",") if part.strip())
    for each in found - {ANY}:
        if not _is_origin(_WILDCARD.sub(r"\1\2", each)):
            raise ValueError(
                f"{each} is no origin like https://example.com or https://*.example.com."
            )
    if ANY in found and len(found) > 1:
        raise ValueError("`*` stands alone.")
    return found


def _is_origin(text: str) -> bool:
    """Whether browsers write an origin like this: without path, default port and capitals."""
    url = URL(text)
    known = url.scheme in ("http", "https") and _HOST.fullmatch(url.host or "") is not None
    return known and str(url.origin()) == text
