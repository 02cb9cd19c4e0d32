"""What a request is aimed at."""

from functools import lru_cache
from typing import Final, NamedTuple

from shared.errors import Malformed
from shared.policy.paths import canonical

_MOST_PATHS: Final = 4096
"""Whose canonical form is kept; a path has 2 KB at most."""


class Target(NamedTuple):
    """What a request is aimed at: its canonical path, and its query as received."""

    path: str
    query: str


def target(raw: str) -> Target:
    """The target of a request line, as received; raises `Malformed` for what is ambiguous."""
    path, _, query = raw.partition("?")
    # Printable ASCII; `#` would start a fragment.
    if not (query.isascii() and query.isprintable()) or " " in query or "#" in query:
        raise Malformed
    return Target(_canonical(path), query)


_canonical = lru_cache(maxsize=_MOST_PATHS)(canonical)
