"""Short-lived tokens with which services call each other's internal API."""

import time
import uuid
from collections.abc import Container

import jwt

from shared.crypto.key_ring import KeyRing
from shared.errors import Unauthenticated

LIFETIME = 60  # seconds
_ALGORITHM = "HS256"


class BadServiceToken(Unauthenticated):
    """The call carries no valid token of a service that may make it."""

    codes = ("service_token.invalid",)


class ServiceTokens:
    """Issues the tokens of one service and verifies those that others send to it."""

    def __init__(self, service: str, ring: KeyRing) -> None:
        self._service = service
        self._ring = ring

    def issue(self, audience: str) -> str:
        """A token with which this service may call `audience` for the next minute."""
        key_id, key = self._ring.primary
        now = int(time.time())
        claims = {
            "iss": self._service,
            "aud": audience,
            "iat": now,
            "exp": now + LIFETIME,
            "jti": uuid.uuid4().hex,
        }
        return jwt.encode(claims, key, _ALGORITHM, headers={"kid": key_id})

    def verify(self, token: str, callers: Container[str]) -> str:
        """The calling service, if it is one of `callers`; raises `BadServiceToken`."""
        try:
            key = self._ring.keys[jwt.get_unverified_header(token)["kid"]]
            claims = jwt.decode(
                token,
                key,
                algorithms=[_ALGORITHM],
                audience=self._service,
                options={"require": ["iss", "aud", "iat", "exp"]},
                leeway=5,
            )
        except (jwt.InvalidTokenError, KeyError, UnicodeError):
            raise BadServiceToken from None
        if claims["iss"] not in callers:
            raise BadServiceToken
        return str(claims["iss"])
