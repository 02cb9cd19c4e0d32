"""Cross-origin resource sharing: the CORS protocol of the Fetch standard (3.2)."""

import re
from dataclasses import dataclass

from multidict import MultiMapping
from yarl import URL

ANY = "*"
_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
_EXPOSED = (
    "Authorization, DPoP-Nonce, Link, Next-Cursor, Page, Per-Page, Retry-After, Total, "
    "Total-Relation, WWW-Authenticate, X-Request-Id"
)
"""Headers that scripts may read beyond the safelisted ones. Authorization: a log-in's bearer."""

_FIELD_NAMES = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z, -]{1,1000}")
_HOST = re.compile(r"[0-9a-z.:-]+")
_SUBDOMAIN = re.compile(r"(https?://)[0-9a-z](?:[0-9a-z-]{0,61}[0-9a-z])?(\.[0-9a-z.:-]+)")
"""An origin with a name of two labels or more; groups: what precedes and follows the first one."""

_WILDCARD = re.compile(r"(https?://)\*\.((?:[0-9a-z-]+\.)+[a-z][0-9a-z-]*(?::[0-9]+)?)")
"""An asterisk in place of the first label; at least two labels follow it."""


@dataclass(frozen=True, slots=True)
class Cors:
    """The origins whose pages may call. Methods return header lines.

    `https://*.example.com` allows every origin with one label in place of the asterisk. `*` allows
    all origins; then there is no other origin, and no credentials.
    """

    origins: frozenset[str]
    credentials: bool
    """Whether pages may send cookies."""
    max_age: int
    """How long browsers may cache the answer to a preflight, seconds."""

    def preflight(self, method: str, headers: MultiMapping[str]) -> tuple[str, ...] | None:
        """The lines for a preflight besides `lines`; None for a request that is no preflight.

        A preflight has no credentials. It is answered without a decision, so that pages can read
        the decision about the actual call and its error codes.
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
        """The lines of every answer to a page of `origin`, None for other clients."""
        if ANY in self.origins:
            if origin is None:
                return ()
            return "Access-Control-Allow-Origin: *", f"Access-Control-Expose-Headers: {_EXPOSED}"
        if origin is None or not self._allows(origin):
            return ("Vary: Origin",)  # caches: pages of allowed origins get another answer
        return (
            f"Access-Control-Allow-Origin: {origin}",
            "Vary: Origin",
            *(("Access-Control-Allow-Credentials: true",) if self.credentials else ()),
            f"Access-Control-Expose-Headers: {_EXPOSED}",
        )

    def effective_origin(self, origin: str) -> str | None:
        """The origin that decides about `lines`: None for all origins that are not allowed."""
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
    """The origins of a comma-separated list, or `*`; raises ValueError."""
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
    """Whether browsers send an origin in this form: no path, default port or capitals."""
    url = URL(text)
    known = url.scheme in ("http", "https") and _HOST.fullmatch(url.host or "") is not None
    return known and str(url.origin()) == text
