"""Our session cookie, among others in the Cookie header."""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from multidict import MultiMapping

from authz_gateway.sessions.errors import InvalidSession


def session_cookie(headers: MultiMapping[str], name: str) -> str:
    """The session cookie's value; raises `InvalidSession` unless there is exactly one."""
    find = _finder(name)
    values = [value for header in headers.getall("Cookie", ()) for value in find(header)]
    if len(values) != 1 or not (cookie := values[0].strip()):
        raise InvalidSession
    return cookie


def without_session_cookie(values: Iterable[str], name: str) -> str:
    """The Cookie header's values as one, less the session cookie; empty when nothing is left."""
    return "; ".join(pair for pair in _pairs(values) if _name(pair) != name)


@lru_cache(maxsize=8)
def _finder(name: str) -> Callable[[str], list[str]]:
    """Finds the values of a name, of whatever stands between semicolons."""
    return re.compile(rf"(?:^|;)\s*{re.escape(name)}\s*(?:=([^;]*)|(?=;|\Z))").findall


def _pairs(values: Iterable[str]) -> list[str]:
    """RFC 6265, 4.2.1: quotes have no meaning here."""
    return [pair.strip() for header in values for pair in header.split(";") if pair.strip()]


def _name(pair: str) -> str:
    return pair.partition("=")[0].strip()
