"""A cookie by its name, read in the same way by the gateway and by the services behind it."""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from multidict import MultiMapping

MAX_COOKIES = 4
"""The largest number of distinct values of a name; browsers send several for other paths."""


def cookies(headers: MultiMapping[str], name: str) -> tuple[str, ...]:
    """The distinct values of the cookies called `name`, in their order, `MAX_COOKIES` at most.

    Blank ones do not count. RFC 6265, 4.2.1: quotes have no meaning.
    """
    return cookie_values(headers.getall("Cookie", ()), name)


def cookie_values(headers: Iterable[str], name: str) -> tuple[str, ...]:
    """The same, of the values of Cookie headers."""
    find = _finder(name)
    values = (value.strip() for header in headers for value in find(header))
    return tuple(dict.fromkeys(value for value in values if value))[:MAX_COOKIES]


@lru_cache(maxsize=8)
def _finder(name: str) -> Callable[[str], list[str]]:
    """Finds the values of a name between semicolons."""
    return re.compile(rf"(?:^|;)\s*{re.escape(name)}\s*(?:=([^;]*)|(?=;|\Z))").findall
