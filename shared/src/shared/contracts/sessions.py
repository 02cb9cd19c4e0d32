"""Sessions, and users' tokens, as the gateway receives them."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from shared.contracts.activities import MAX_USER_AGENT, storable
from shared.contracts.authentication import Authentication
from shared.contracts.users import User
from shared.values.principal import Principal


def session_key(cookie: str) -> str:
    """The key of a session: the SHA-256 of its cookie, in hex."""
    return hashlib.sha256(cookie.encode("utf-8", "surrogateescape")).hexdigest()


def csrf_token_of(cookie: str) -> str:
    """The CSRF token of a session: derived from its cookie, 32 hex digits.

    A client with the cookie can get the token again, though only digests of both are stored. The
    cookie has 256 bits of entropy and cannot be derived from the token (HMAC, RFC 2104).
    """
    key = cookie.encode("utf-8", "surrogateescape")
    return hmac.new(key, b"barong csrf token", hashlib.sha256).hexdigest()[:32]


def csrf_digest(token: str) -> str:
    """The stored form of a CSRF token: its SHA-256, in hex."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


_PRODUCT_VERSION = re.compile(r"/[^\s;)]+")
_NUMBER = re.compile(r"(?<![A-Za-z0-9._])[0-9]+(?:[._][0-9]+)*")


@lru_cache(maxsize=4096)
def _without_versions(user_agent: str) -> str:
    return _NUMBER.sub("", _PRODUCT_VERSION.sub("", user_agent))


def without_versions(user_agent: str) -> str:
    """A User-Agent without the versions of products (RFC 9110, 10.1.5) and systems.

    `Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0` becomes
    `Mozilla (X11; Linux x86_64; rv:) Gecko Firefox`.
    """
    return _without_versions(storable(user_agent, MAX_USER_AGENT))


def _principal(
    user: User, sid: str | None, authentication: Authentication | None = None
) -> Principal:
    shown = authentication
    return Principal(
        uid=user.uid,
        email=user.email,
        role=user.role,
        level=user.level,
        state=user.state,
        referral_uid=user.referral_uid,
        sid=sid,
        auth_time=int(shown.at.timestamp()) if shown else None,
        amr=shown.amr if shown else (),
        acr=shown.acr if shown else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedSession:
    """A session in force: its user, what it is bound to, and the token for upstreams."""

    sid: str
    user: User
    csrf_digest: str
    user_agent: str
    """The User-Agent that opened it."""
    network: str
    """The network that opened it, in CIDR notation: IPv4 /16, IPv6 /64."""
    expires_at: datetime
    token: str = field(repr=False)
    token_expires_at: datetime
    other_network: str | None = None
    """The first network of the other address family that used it, if one did."""
    authentication: Authentication | None = None
    """How its user was authenticated last; None from an identity-svc of an earlier release."""
    principal: Principal = field(init=False, repr=False, compare=False)
    """The user of the session, as a caller."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "principal", _principal(self.user, self.sid, self.authentication))

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "ResolvedSession":
        """The session that the internal API's answer describes."""
        return cls(
            sid=body["sid"],
            user=User.of(body["user"]),
            csrf_digest=body["csrf_digest"],
            user_agent=body["user_agent"],
            network=body["network"],
            other_network=body.get("other_network"),
            expires_at=datetime.fromisoformat(body["expires_at"]),
            token=body["token"],
            token_expires_at=datetime.fromisoformat(body["token_expires_at"]),
            authentication=Authentication.of(body) if "auth_time" in body else None,
        )

    def to_internal(self) -> dict[str, Any]:
        """As the internal API answers."""
        return {
            **(self.authentication.to_internal() if self.authentication else {}),
            "sid": self.sid,
            "user": self.user.to_internal(),
            "csrf_digest": self.csrf_digest,
            "user_agent": self.user_agent,
            "network": self.network,
            "other_network": self.other_network,
            "expires_at": self.expires_at.isoformat(),
            "token": self.token,
            "token_expires_at": self.token_expires_at.isoformat(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class UserToken:
    """A user, and the token that shows the user to upstreams where there is no session."""

    user: User
    token: str = field(repr=False)
    expires_at: datetime
    principal: Principal = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "principal", _principal(self.user, None))

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "UserToken":
        """What the internal API's answer describes."""
        return cls(
            user=User.of(body["user"]),
            token=body["token"],
            expires_at=datetime.fromisoformat(body["expires_at"]),
        )

    def to_internal(self) -> dict[str, Any]:
        """As the internal API answers."""
        return {
            "user": self.user.to_internal(),
            "token": self.token,
            "expires_at": self.expires_at.isoformat(),
        }
