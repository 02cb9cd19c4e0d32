"""The target of a request."""

from functools import lru_cache
from typing import Final, NamedTuple

from shared.errors import Malformed
from shared.policy.paths import canonical, raw_reading

_MAX_CACHED_PATHS: Final = 4096
"""A path has 2 KB at most."""


class Target(NamedTuple):
    """The target of a request: its canonical path, and its query as received.

    `raw`: the path as received, when it is ambiguous; else empty. Only a route with `path: raw`
    accepts an ambiguous path; `path` is then the reading by which it is authorized.
    """

    path: str
    query: str
    raw: str = ""


def target(received: str) -> Target:
    """The target of a request line; raises `Malformed`."""
    path, _, query = received.partition("?")
    # Only printable ASCII; `#` would start a fragment.
    if not (query.isascii() and query.isprintable()) or " " in query or "#" in query:
        raise Malformed
    try:
        return Target(_canonical(path), query)
    except Malformed:
        return Target(raw_reading(path), query, path)


_canonical = lru_cache(maxsize=_MAX_CACHED_PATHS)(canonical)
