"""Who is calling: the user a bearer token stands for, or the service a service token stands for."""

from dataclasses import dataclass

from aiohttp import web
from multidict import MultiMapping

from shared.errors import Unauthenticated


@dataclass(frozen=True, slots=True)
class Principal:
    """The user of a verified bearer token."""

    uid: str
    email: str
    role: str
    level: int
    state: str
    referral_uid: str | None
    sid: str | None


PRINCIPAL = web.RequestKey("principal", Principal)


class BadBearerToken(Unauthenticated):
    """The bearer token is absent, broken, expired or not meant for us."""

    codes = ("jwt.decode_and_verify",)


def presents_bearer(headers: MultiMapping[str]) -> bool:
    """Whether an Authorization header is of the Bearer scheme, RFC 6750, 2.1, in any case.

    What other schemes say is not meant for us.
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
