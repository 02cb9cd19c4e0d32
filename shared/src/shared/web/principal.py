"""The bearer token of a request, and the user that it stands for."""

from aiohttp import web
from multidict import MultiMapping

from shared.tokens.bearer import BadBearerToken
from shared.values.principal import Principal

PRINCIPAL = web.RequestKey("principal", Principal)


def presents_bearer(headers: MultiMapping[str]) -> bool:
    """Whether an Authorization header is of the Bearer scheme, RFC 6750, 2.1, in any case.

    Other schemes are ignored.
    """
    schemes = (value.split(None, 1)[:1] for value in headers.getall("Authorization", ()))
    return any(scheme[0].lower() == "bearer" for scheme in schemes if scheme)


def bearer_token(headers: MultiMapping[str]) -> str:
    """The one token of the Authorization header; raises `BadBearerToken`."""
    values = headers.getall("Authorization", ())
    scheme, _, token = values[0].partition(" ") if len(values) == 1 else ("", "", "")
    token = token.strip(" \t")
    if scheme.lower() != "bearer" or not token:
        raise BadBearerToken
    return token
