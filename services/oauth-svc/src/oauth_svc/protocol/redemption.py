"""Codes and refresh tokens: when they may be exchanged for tokens."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from oauth_svc.protocol import pkce
from oauth_svc.protocol.errors import INVALID_GRANT, INVALID_SCOPE, INVALID_TARGET, OAuthError
from oauth_svc.protocol.parameters import Parameters

CODE_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundCode:
    """What a code is bound to; `redirect_uri` is None if the request did not name one.

    `thumbprint` is that of a key, None without one.
    """

    client_id: str
    redirect_uri: str | None
    code_challenge: str | None
    expires_at: datetime
    thumbprint: str | None = None


def require_redeemable(
    code: BoundCode,
    client_id: str,
    parameters: Parameters,
    now: datetime,
    thumbprint: str | None = None,
) -> None:
    """Raises `OAuthError` unless this client may exchange the code with these parameters.

    `thumbprint` is that of the key that the request's proof shows.
    """
    if (
        code.client_id != client_id
        or now >= code.expires_at
        or (code.redirect_uri is not None and code.redirect_uri != parameters.get("redirect_uri"))
        or code.thumbprint not in (None, thumbprint)
        or not pkce.proves(parameters.get("code_verifier"), code.code_challenge)
    ):
        raise OAuthError(INVALID_GRANT, "The code is not valid for this request.")


class Use(Enum):
    """What the use of a refresh token means."""

    FIRST = auto()
    REPEATED = auto()
    """The answer to the first use may have been lost, a few seconds ago."""
    REPLAYED = auto()
    """Two parties have the token: all tokens of the grant end (RFC 9700, 4.14.2)."""
    EXPIRED = auto()


def use_of_refresh_token(
    used_at: datetime | None, expires_at: datetime, now: datetime, grace: timedelta
) -> Use:
    """What a use now means, after a first one at `used_at`."""
    if used_at is not None and now - used_at > grace:
        return Use.REPLAYED
    if now >= expires_at:
        return Use.EXPIRED
    return Use.FIRST if used_at is None else Use.REPEATED


def remaining(granted: Sequence[str], allowed: Collection[str]) -> tuple[str, ...]:
    """What is left of granted scopes or resources that the client may still ask for.

    Raises `OAuthError` if there were some and none is left: an empty list of resources would mean
    the gateway.
    """
    left = tuple(each for each in granted if each in allowed)
    if granted and not left:
        raise OAuthError(INVALID_GRANT, "The client may ask for nothing of this any more.")
    return left


def narrowed(asked: Sequence[str], granted: Sequence[str]) -> tuple[str, ...]:
    """The scopes of a refreshed access token: all, or fewer (RFC 6749, 6); raises `OAuthError`."""
    if not set(asked) <= set(granted):
        raise OAuthError(INVALID_SCOPE, "More is asked than was granted.")
    return tuple(asked) or tuple(granted)


def audience(asked: Collection[str], granted: Sequence[str], default: str) -> list[str]:
    """`aud` of an access token (RFC 8707, 2.2); raises `OAuthError`."""
    if not set(asked) <= set(granted):
        raise OAuthError(INVALID_TARGET, "Another resource is asked than was granted.")
    return list(dict.fromkeys(asked)) or list(granted) or [default]
