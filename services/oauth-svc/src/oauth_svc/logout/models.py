"""Back-channel log-outs: what is sent, and when it is tried again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

LOGOUT_TOKEN_TYPE = "logout+jwt"  # noqa: S105 - the name of a type
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
TOKEN_SECONDS = 120

RETRY_SECONDS = (5, 30, 120, 600, 1800, 3600)
"""The delays before each further attempt; after the last the log-out is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logout:
    """A log-out that has to be sent to a client."""

    id: int
    client_id: str
    uri: str
    uid: str
    sid: str
    attempts: int


def delay_after(attempts: int) -> timedelta | None:
    """How long to wait after so many failed attempts; None after the last."""
    if attempts > len(RETRY_SECONDS):
        return None
    return timedelta(seconds=RETRY_SECONDS[attempts - 1])


def claims_of(logout: Logout, issuer: str, jti: str, now: datetime) -> dict[str, Any]:
    """A log-out token (OpenID Back-Channel Logout 1.0, 2.4)."""
    return {
        "iss": issuer,
        "sub": logout.uid,
        "aud": logout.client_id,
        "iat": int(now.timestamp()),
        "exp": int(now.timestamp()) + TOKEN_SECONDS,
        "jti": jti,
        "events": {LOGOUT_EVENT: {}},
        "sid": logout.sid,
    }
