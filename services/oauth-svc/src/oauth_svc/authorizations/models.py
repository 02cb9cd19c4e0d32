"""Authorization requests that wait for a log-in or a consent."""

from dataclasses import dataclass
from datetime import datetime

from oauth_svc.protocol.authorization import AuthorizationRequest, Progress
from oauth_svc.protocol.client import Client
from shared.errors import Forbidden, Invalid, NotFound, Unauthenticated

LOGIN, CONSENT = "login", "consent"
ACCEPT, REFUSE = "accept", "refuse"


class ChallengeNotFound(NotFound):
    """There is no such challenge, or it has expired, or it was answered."""

    codes = ("oauth.challenge.doesnt_exist",)


class LoginRequired(Unauthenticated):
    """The challenge cannot be accepted before the user has logged in, or logged in again."""

    codes = ("oauth.challenge.login_required",)


class WrongCsrfToken(Forbidden):
    """Consent needs the CSRF token of the session that gives it."""

    codes = ("oauth.challenge.csrf_token_mismatch",)


class NothingToConsent(Invalid):
    """The challenge asks for no consent."""

    codes = ("oauth.challenge.no_consent_asked",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """A request that waits, and which steps are done."""

    request: AuthorizationRequest
    progress: Progress
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A challenge as a page shows it. `kind` is what has to be done next, None for nothing."""

    challenge: Challenge
    client: Client
    kind: str | None
