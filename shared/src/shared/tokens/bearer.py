"""Bearer tokens of users: RS256, issued by identity-svc, verified by everyone who is handed one."""

from typing import Any

import jwt

from shared.tokens.key_set import KeySet, UnknownKeyError
from shared.web.principal import BadBearerToken, Principal

ALGORITHM = "RS256"
AUDIENCE = "barong"
SUBJECT = "session"
TYPE = "JWT"
MAX_TOKEN_LENGTH = 8192

_REQUIRED = ["iss", "aud", "sub", "iat", "exp", "jti", "uid", "email", "role", "level", "state"]


class BearerVerifier:
    """Verifies bearer tokens against the published keys."""

    def __init__(self, keys: KeySet, issuer: str) -> None:
        self._keys = keys
        self._issuer = issuer

    async def claims(self, token: str) -> dict[str, Any]:
        """The claims of a living session token; raises `BadBearerToken` or `Unavailable`."""
        if len(token) > MAX_TOKEN_LENGTH:
            raise BadBearerToken
        try:
            header = jwt.get_unverified_header(token)
            if header.get("typ") != TYPE:
                raise BadBearerToken
            key = await self._keys.key(str(header.get("kid")))
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
        except (jwt.InvalidTokenError, UnknownKeyError, UnicodeError):
            raise BadBearerToken from None
        return claims

    async def principal(self, token: str) -> Principal:
        """The user that a token stands for; raises as `claims` does."""
        claims = await self.claims(token)
        if not all(isinstance(claims[name], str) for name in ("uid", "email", "role", "state")):
            raise BadBearerToken
        return Principal(
            uid=claims["uid"],
            email=claims["email"],
            role=claims["role"],
            level=claims["level"],
            state=claims["state"],
            referral_uid=claims.get("referral_uid"),
            sid=claims.get("sid"),
        )
