"""What a request is aimed at."""

import re
from functools import lru_cache
from typing import NamedTuple

from shared.errors import Malformed
from shared.policy.paths import canonical

_QUERY = re.compile(r"[\x21\x22\x24-\x7e]*")  # printable ASCII; `#` would start a fragment


class Target(NamedTuple):
    """What a request is aimed at: its canonical path, and its query as received."""

    path: str
    query: str


def target(raw: str) -> Target:
    """The target of a request line, as received; raises `Malformed` for what is ambiguous."""
    path, _, query = raw.partition("?")
    if query and not _QUERY.fullmatch(query):
        raise Malformed
    return Target(_canonical(path), query)


_canonical = lru_cache(maxsize=4096)(canonical)
