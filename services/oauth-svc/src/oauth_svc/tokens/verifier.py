"""Verifies access tokens of this provider (RFC 9068)."""

from uuid import UUID

import jwt

from oauth_svc.tokens.models import ACCESS_TOKEN_TYPE, MAX_TOKEN, AccessToken
from shared.tokens.bearer import ALGORITHM
from shared.tokens.key_set import KeySet, UnknownKeyError
from shared.tokens.verified import Verified, VerifiedTokens

_CACHED = 5_000
"""The largest number of verified tokens in memory, of up to 4 KB each with all their claims."""

_REQUIRED = ["iss", "sub", "aud", "exp", "iat", "jti", "client_id"]


class AccessTokenVerifier:
    """Checks signature, issuer and time, and caches verified tokens.

    It does not check whether the grant is in force: that is looked up at each use.
    """

    def __init__(self, keys: KeySet, issuer: str) -> None:
        self._keys = keys
        self._issuer = issuer
        self._verified = VerifiedTokens[AccessToken](keys, _CACHED)

    async def verify(self, token: str) -> AccessToken | None:
        """The claims of an access token of ours that has not expired; None for any other text.

        Raises `Unavailable`.
        """
        if len(token) > MAX_TOKEN:
            return None
        try:
            return await self._verified.get(token, self._verify)
        except (jwt.InvalidTokenError, UnknownKeyError, ValueError):
            return None

    async def _verify(self, token: str) -> Verified[AccessToken]:
        header = jwt.get_unverified_header(token)
        if header.get("typ") != ACCESS_TOKEN_TYPE:
            raise jwt.InvalidTokenError
        kid = str(header.get("kid"))
        key = await self._keys.key(kid)
        claims = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            issuer=self._issuer,
            options={"require": _REQUIRED, "verify_aud": False, "verify_iat": False},
        )
        given = claims["aud"]
        verified = AccessToken(
            grant_id=UUID(str(claims["jti"]).partition(".")[0]),
            client_id=str(claims["client_id"]),
            subject=str(claims["sub"]),
            audience=[given] if isinstance(given, str) else list(given),
            scopes=str(claims.get("scope", "")).split(),
            claims=claims,
        )
        return Verified(verified, kid, key, float(claims["exp"]))
