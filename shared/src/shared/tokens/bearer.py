"""Tokens of users: RS256, issued by identity-svc, verified by everyone who gets one.

There are two types, told apart by `typ` in the JOSE header. A client gets an access token when it
logs in and presents it to the gateway. An upstream gets an identity token from the gateway. Neither
is accepted in place of the other: an API that stores the tokens it receives cannot call as its
callers, and a client cannot call a service around the gateway.
"""

from typing import Any

import jwt

from shared.errors import Unauthenticated
from shared.tokens.key_set import KeySet, UnknownKeyError
from shared.tokens.verified import CACHED, Verified, VerifiedTokens
from shared.values.principal import Principal

ALGORITHM = "RS256"
AUDIENCE = "barong"
SUBJECT = "session"
ACCESS_TOKEN = "at+jwt"  # noqa: S105 - the name of a type
"""`typ` of what a client presents to the gateway (the name is that of RFC 9068, 2.1)."""

UPSTREAM_TOKEN = "JWT"  # noqa: S105 - the name of a type
"""`typ` of what the gateway sends to upstreams."""

MAX_TOKEN_LENGTH = 8192

_REQUIRED = ["iss", "aud", "sub", "iat", "exp", "jti", "uid", "email", "role", "level", "state"]


class BadBearerToken(Unauthenticated):
    """The bearer token is absent, broken, expired or not meant for us."""

    codes = ("jwt.decode_and_verify",)


class BearerVerifier:
    """Verifies bearer tokens of one type against the published keys, and caches verified ones."""

    def __init__(
        self,
        keys: KeySet,
        issuer: str,
        token_type: str = UPSTREAM_TOKEN,
        *,
        cached: int = CACHED,
    ) -> None:
        """`token_type` is the one `typ` that is accepted, in exactly this case."""
        self._keys = keys
        self._issuer = issuer
        self._type = token_type
        self._verified = VerifiedTokens[Principal](keys, cached)

    async def principal(self, token: str) -> Principal:
        """The user that a living session token stands for.

        Raises `BadBearerToken` or `Unavailable`.
        """
        if len(token) > MAX_TOKEN_LENGTH:
            raise BadBearerToken
        try:
            return await self._verified.get(token, self._verify)
        except (jwt.InvalidTokenError, UnknownKeyError, UnicodeError):
            raise BadBearerToken from None

    async def _verify(self, token: str) -> Verified[Principal]:
        header = jwt.get_unverified_header(token)
        if header.get("typ") != self._type:
            raise BadBearerToken
        kid = str(header.get("kid"))
        key = await self._keys.key(kid)
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=self._issuer,
            subject=SUBJECT,
            # `iat` forbids nothing (RFC 7519, 4.1.6), and the issuer's clock may be ahead.
            options={"require": _REQUIRED, "verify_iat": False},
        )
        return Verified(_principal(claims), kid, key, float(claims["exp"]))


def _principal(claims: dict[str, Any]) -> Principal:
    if not all(isinstance(claims[name], str) for name in ("uid", "email", "role", "state")):
        raise BadBearerToken
    auth_time, amr, acr = (claims.get(name) for name in ("auth_time", "amr", "acr"))
    return Principal(
        uid=claims["uid"],
        email=claims["email"],
        role=claims["role"],
        level=claims["level"],
        state=claims["state"],
        referral_uid=claims.get("referral_uid"),
        sid=claims.get("sid"),
        auth_time=auth_time if isinstance(auth_time, int) else None,
        amr=tuple(map(str, amr)) if isinstance(amr, list) else (),
        acr=acr if isinstance(acr, str) else None,
    )
