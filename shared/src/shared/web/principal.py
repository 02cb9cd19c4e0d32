"""The token of a request, and the user that it stands for."""

from aiohttp import web
from multidict import MultiMapping

from shared.tokens.bearer import BadBearerToken
from shared.values.principal import Principal

PRINCIPAL = web.RequestKey("principal", Principal)


def scheme_of(authorization: str) -> str:
    """The scheme of an Authorization header in lower case; empty without one."""
    words = authorization.split(None, 1)
    return words[0].lower() if words else ""


def presents_bearer(headers: MultiMapping[str]) -> bool:
    """Whether an Authorization header is of the Bearer scheme, RFC 6750, 2.1, in any case.

    Schemes that we do not know are ignored.
    """
    return _presents(headers, "bearer")


def presents_bound(headers: MultiMapping[str]) -> bool:
    """Whether an Authorization header is of the DPoP scheme (RFC 9449, 7.1), in any case."""
    return _presents(headers, "dpop")


def bearer_token(headers: MultiMapping[str]) -> str:
    """The one token of the Authorization header; raises `BadBearerToken`."""
    return _token(headers, "bearer")


def bound_token(headers: MultiMapping[str]) -> str:
    """The one token of the Authorization header, of the DPoP scheme; raises `BadBearerToken`."""
    return _token(headers, "dpop")


def _presents(headers: MultiMapping[str], wanted: str) -> bool:
    return any(scheme_of(value) == wanted for value in headers.getall("Authorization", ()))


def _token(headers: MultiMapping[str], wanted: str) -> str:
    values = headers.getall("Authorization", ())
    scheme, _, token = values[0].partition(" ") if len(values) == 1 else ("", "", "")
    token = token.strip(" \t")
    if scheme.lower() != wanted or not token:
        raise BadBearerToken
    return token
