"""Device authorization requests: user codes, and what a polling device is told (RFC 8628)."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from oauth_svc.protocol.authorization import resources_of, scopes_of
from oauth_svc.protocol.client import DEVICE_CODE, Client
from oauth_svc.protocol.errors import (
    ACCESS_DENIED,
    AUTHORIZATION_PENDING,
    EXPIRED_TOKEN,
    INVALID_GRANT,
    SLOW_DOWN,
    UNAUTHORIZED_CLIENT,
    OAuthError,
)
from oauth_svc.protocol.parameters import Parameters

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels, so that no word appears, and no digits that look like letters (RFC 8628, 6.1)."""

CODE_LENGTH = 8
"""With 20 letters, 34 bits: enough for codes of minutes whose guesses are counted (5.1)."""

SLOWER_BY = 5
"""Seconds by which each early poll lengthens the interval (3.5)."""

MAX_INTERVAL = 60

_CODE = re.compile(f"[{ALPHABET}]{{{CODE_LENGTH}}}", re.ASCII)
_MAX_TYPED = 100


def read_user_code(typed: str) -> str | None:
    """The code in what somebody typed: case, blanks and hyphens do not count; None without one."""
    code = re.sub(r"[\s-]", "", typed[:_MAX_TYPED]).upper()
    return code if _CODE.fullmatch(code) else None


def show_user_code(code: str) -> str:
    """The code in two halves, as people can copy it."""
    half = CODE_LENGTH // 2
    return f"{code[:half]}-{code[half:]}"


def parse_device_request(
    parameters: Parameters, client: Client
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The scopes and resources that a device asks for (3.1); raises `OAuthError`."""
    if DEVICE_CODE not in client.grant_types:
        raise OAuthError(UNAUTHORIZED_CLIENT, "The client may not use this grant.")
    return scopes_of(parameters, client), resources_of(parameters, client)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCode:
    """The state of a device's request. `interval` is the shortest time between two polls."""

    client_id: str
    expires_at: datetime
    interval: timedelta
    polled_at: datetime | None
    allowed: bool | None
    """None until the user has answered."""

    def is_early(self, now: datetime) -> bool:
        """Whether the device asks again before its interval is over."""
        return self.polled_at is not None and now - self.polled_at < self.interval


def require_redeemable(code: DeviceCode, client_id: str, now: datetime) -> None:
    """Raises `OAuthError` unless the client may have tokens for the code now (3.5).

    A refusal is answered even if the code has expired since.
    """
    if code.client_id != client_id:
        raise OAuthError(INVALID_GRANT, "The device code is not valid.")
    if code.allowed is False:
        raise OAuthError(ACCESS_DENIED, "The user refused.")
    if now >= code.expires_at:
        raise OAuthError(EXPIRED_TOKEN, "The device code has expired.")
    if code.allowed is None and code.is_early(now):
        raise OAuthError(SLOW_DOWN, "Wait five seconds longer between two requests.")
    if code.allowed is None:
        raise OAuthError(AUTHORIZATION_PENDING, "The user has not answered yet.")
