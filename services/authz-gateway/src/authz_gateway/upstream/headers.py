"""Headers on their way through: what is meant for us stays here, what upstreams trust is ours."""

import re
from collections.abc import Collection, Iterable
from typing import Final

from authz_gateway.http.headers import Headers
from shared.contracts.changes import CHANGED_HEADER

CHANGED: Final = CHANGED_HEADER.lower()

_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""RFC 9110, 7.6.1, with what older software sends."""

_MADE_ANEW = frozenset(
    {"authorization", "content-length", "cookie", "expect", "host", "x-request-id"}
)

_NEVER_RETURNED = _HOP_BY_HOP | {"content-length", "x-request-id", CHANGED}
"""Hop by hop, made anew, or meant for us."""

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]{1,100}")

_NEVER_TRAILING = frozenset(
    {
        *("age", "authorization", "cache-control", "cookie", "date", "expect", "expires", "host"),
        *("location", "max-forwards", "pragma", "range", "referrer-policy", "retry-after"),
        *("server", "set-cookie", "strict-transport-security", "vary", "warning"),
        *("www-authenticate", "x-content-type-options", "x-frame-options"),
    }
)
"""RFC 9110, 6.5.1: what frames, routes, authenticates or controls comes before the body, or not."""

_FORGEABLE = frozenset(
    {
        "forwarded",
        "x-barong-changed",
        "x-real-ip",
        # Another path or method than the one that was authorised, for frameworks that believe it.
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
        "x-original-url",
        "x-rewrite-url",
    }
)
_FORGEABLE_PREFIXES = ("x-auth-", "x-forwarded-")
_MAX_KNOWN = 1000

_passes: dict[str, bool] = {}
"""Whether upstreams may see a header, by its name: many calls, few names."""


def forwarded(headers: Headers, *, kept: Collection[str] = ()) -> list[str]:
    """The lines of the client's headers that upstreams may see as they are.

    `kept` are the credentials, `authorization` or `cookie`, that are among them.
    """
    named = headers.listed("connection")
    return [
        line
        for name, line in zip(headers.names, headers.lines, strict=True)
        if (_may_pass(name) and name not in named) or name in kept
    ]


def returned(headers: Headers, *, without: Collection[str] = ()) -> list[str]:
    """The lines of the upstream's headers that the client sees; those of `without` are ours."""
    named = headers.listed("connection")
    return [
        line
        for name, line in zip(headers.names, headers.lines, strict=True)
        if name not in _NEVER_RETURNED and name not in named and name not in without
    ]


def wants_trailers(headers: Headers) -> bool:
    """Whether the client takes what stands behind a chunked body, RFC 9110, 10.1.4."""
    return "trailers" in headers.listed("te")


def announced(headers: Headers) -> list[str]:
    """The trailers that an answer announces and that may be passed on, in lower case."""
    return sorted(name for name in headers.listed("trailer") if _may_trail(name))


def returned_trailers(lines: Iterable[bytes], names: Collection[str]) -> list[str]:
    """The lines of trailers that are among `names`."""
    found = (line.decode("utf-8", "surrogateescape").rstrip("\r\n") for line in lines)
    return [line for line in found if line.partition(":")[0].lower() in names]


def _may_trail(name: str) -> bool:
    return (
        bool(_NAME.fullmatch(name))
        and name not in _NEVER_RETURNED
        and name not in _NEVER_TRAILING
        and not name.startswith(("access-control-", "content-", "proxy-", "x-barong-"))
    )


def chain(forwarded_for: Iterable[str], peer: str) -> str:
    """X-Forwarded-For with the peer we see appended to what was received."""
    return ", ".join((*forwarded_for, *([peer] if peer else ())))


def _may_pass(name: str) -> bool:
    known = _passes.get(name)
    if known is None:
        known = name not in _HOP_BY_HOP and name not in _MADE_ANEW and not _forgeable(name)
        if len(_passes) < _MAX_KNOWN:
            _passes[name] = known
    return known


def _forgeable(name: str) -> bool:
    """Also with underscores, which many servers take for hyphens."""
    name = name.replace("_", "-")
    return name in _FORGEABLE or name.startswith(_FORGEABLE_PREFIXES)
