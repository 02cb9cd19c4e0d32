"""Our session cookie, among others in the Cookie header."""

from collections.abc import Iterable

from multidict import MultiMapping

from authz_gateway.sessions.errors import InvalidSession


def session_cookie(headers: MultiMapping[str], name: str) -> str:
    """The session cookie's value; raises `InvalidSession` unless there is exactly one."""
    values = [
        pair.partition("=")[2].strip()
        for pair in _pairs(headers.getall("Cookie", ()))
        if _name(pair) == name
    ]
    if len(values) != 1 or not values[0]:
        raise InvalidSession
    return values[0]


def without_session_cookie(values: Iterable[str], name: str) -> str:
    """The Cookie header's values as one, less the session cookie; empty when nothing is left."""
    return "; ".join(pair for pair in _pairs(values) if _name(pair) != name)


def _pairs(values: Iterable[str]) -> list[str]:
    """RFC 6265, 4.2.1: quotes have no meaning here."""
    return [pair.strip() for header in values for pair in header.split(";") if pair.strip()]


def _name(pair: str) -> str:
    return pair.partition("=")[0].strip()
