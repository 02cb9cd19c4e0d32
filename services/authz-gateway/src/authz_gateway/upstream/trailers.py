"""Trailers of chunked responses (RFC 9110, 6.5): which ones are forwarded."""

import re
from collections.abc import Collection, Iterable
from typing import Final

from authz_gateway.http.headers import TO_CLIENT, FieldName, Headers

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]{1,100}")

_NEVER_TRAILING = frozenset(
    {
        *("age", "authorization", "cache-control", "cookie", "date", "expect", "expires", "host"),
        *("location", "max-forwards", "pragma", "range", "referrer-policy", "retry-after"),
        *("server", "set-cookie", "strict-transport-security", "vary", "warning"),
        *("www-authenticate", "x-content-type-options", "x-frame-options"),
    }
)
"""RFC 9110, 6.5.1: fields for framing, routing, authentication and control are no trailers."""


def wants_trailers(headers: Headers) -> bool:
    """Whether the client accepts trailers: RFC 9110, 10.1.4."""
    return "trailers" in headers.listed("te")


def announced(headers: Headers) -> list[str]:
    """Names of the announced trailers that may be forwarded, in lower case."""
    return sorted(name for name in headers.listed("trailer") if _may_trail(name))


def returned_trailers(lines: Iterable[bytes], names: Collection[str]) -> list[str]:
    """The trailer lines whose names are among `names`, without line breaks."""
    found = (line.decode("utf-8", "surrogateescape").rstrip("\r\n") for line in lines)
    return [line for line in found if line.partition(":")[0].lower() in names]


def _may_trail(name: str) -> bool:
    return (
        bool(_NAME.fullmatch(name))
        and bool(FieldName(name).flags & TO_CLIENT)
        and name not in _NEVER_TRAILING
        and not name.startswith(("access-control-", "content-", "proxy-", "x-barong-"))
    )
