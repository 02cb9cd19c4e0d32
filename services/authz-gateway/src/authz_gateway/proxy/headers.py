"""Headers on their way through: what is meant for us stays here, what upstreams trust is ours."""

from collections.abc import Container, Iterable

from multidict import CIMultiDict, MultiMapping

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

_FORGEABLE = frozenset(
    {
        "forwarded",
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


def forwarded(headers: MultiMapping[str], *, kept: Container[str]) -> CIMultiDict[str]:
    """The client's headers that upstreams may see as they are.

    `kept` are the credentials, `authorization` or `cookie`, that are among them.
    """
    dropped = _HOP_BY_HOP | _named_by_connection(headers)
    return CIMultiDict(
        (name, value)
        for name, value in headers.items()
        if (lower := name.lower()) not in dropped
        and (lower not in _MADE_ANEW or lower in kept)
        and not _forgeable(lower)
    )


def returned(headers: MultiMapping[str]) -> CIMultiDict[str]:
    """The upstream's headers that the client sees."""
    dropped = _HOP_BY_HOP | {"x-request-id"} | _named_by_connection(headers)
    return sendable((name, value) for name, value in headers.items() if name.lower() not in dropped)


def sendable(headers: Iterable[tuple[str, str]]) -> CIMultiDict[str]:
    """Headers whose bytes that are no UTF-8 are read as Latin-1: aiohttp would leave them out."""
    return CIMultiDict((name, _readable(value)) for name, value in headers)


def chain(forwarded_for: Iterable[str], peer: str | None) -> str:
    """X-Forwarded-For with the peer we see appended to what was received."""
    return ", ".join((*forwarded_for, *([peer] if peer else ())))


def _readable(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode(errors="surrogateescape").decode("latin-1")
    return value


def _named_by_connection(headers: MultiMapping[str]) -> frozenset[str]:
    values = headers.getall("Connection", ())
    return frozenset(name.strip().lower() for value in values for name in value.split(","))


def _forgeable(name: str) -> bool:
    """Also with underscores, which many servers take for hyphens."""
    name = name.replace("_", "-")
    return name in _FORGEABLE or name.startswith(_FORGEABLE_PREFIXES)
