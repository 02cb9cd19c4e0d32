"""What a request is aimed at."""

from functools import lru_cache
from typing import Final, NamedTuple

from shared.errors import Malformed
from shared.policy.paths import canonical, raw_reading

_MOST_PATHS: Final = 4096
"""Whose canonical form is kept; a path has 2 KB at most."""


class Target(NamedTuple):
    """What a request is aimed at: its canonical path, and its query as received.

    `raw` is the path as received where it has another reading: only a route with `path: raw` may
    take it, and only by the reading that `path` is. Else it is empty.
    """

    path: str
    query: str
    raw: str = ""


def target(received: str) -> Target:
    """The target of a request line, as received; raises `Malformed` for what is ambiguous."""
    path, _, query = received.partition("?")
    # Printable ASCII; `#` would start a fragment.
    if not (query.isascii() and query.isprintable()) or " " in query or "#" in query:
        raise Malformed
    try:
        return Target(_canonical(path), query)
    except Malformed:
        return Target(raw_reading(path), query, path)


_canonical = lru_cache(maxsize=_MOST_PATHS)(canonical)
