"""Authorization requests: what is asked, and what is decided.

RFC 6749, 4.1; OpenID Connect Core 1.0, 3.1.2; RFC 9207; RFC 9700.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from urllib.parse import urlencode

from oauth_svc.protocol import pkce
from oauth_svc.protocol.claims import OFFLINE_ACCESS, OPENID, ClaimsRequest, parse_claims
from oauth_svc.protocol.client import AUTHORIZATION_CODE, REFRESH_TOKEN, Client
from oauth_svc.protocol.errors import (
    CONSENT_REQUIRED,
    INVALID_REQUEST,
    INVALID_SCOPE,
    INVALID_TARGET,
    LOGIN_REQUIRED,
    UNAUTHORIZED_CLIENT,
    UNMET_AUTHENTICATION,
    UNSUPPORTED_RESPONSE_TYPE,
    DirectError,
    OAuthError,
)
from oauth_svc.protocol.parameters import Parameters

PROMPTS = frozenset({"none", "login", "consent", "select_account"})
MAX_STATE = 2048
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """A request that was found sound. `redirect_uri` is where its answer goes.

    `redirect_uri_given`: the request named it, so that the token request must name it, too.
    """

    client_id: str
    redirect_uri: str
    redirect_uri_given: bool
    scopes: tuple[str, ...]
    state: str | None
    nonce: str | None
    code_challenge: str | None
    prompts: frozenset[str]
    max_age: int | None
    login_hint: str | None
    acr_values: tuple[str, ...]
    claims: ClaimsRequest
    resources: tuple[str, ...]
    ui_locales: tuple[str, ...] = ()
    hinted_sub: str | None = None
    """The user of the `id_token_hint`."""
    dpop_jkt: str | None = None
    """The thumbprint of the key to which the code is bound (RFC 9449, 10)."""

    def to_json(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "redirect_uri_given": self.redirect_uri_given,
            "scopes": list(self.scopes),
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": self.code_challenge,
            "prompts": sorted(self.prompts),
            "max_age": self.max_age,
            "login_hint": self.login_hint,
            "acr_values": list(self.acr_values),
            "claims": self.claims.to_json(),
            "resources": list(self.resources),
            "ui_locales": list(self.ui_locales),
            "hinted_sub": self.hinted_sub,
            # Instances that are older than this member read only requests without it.
            **({"dpop_jkt": self.dpop_jkt} if self.dpop_jkt else {}),
        }

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "AuthorizationRequest":
        """What is stored."""
        lists = ("scopes", "acr_values", "resources", "ui_locales")
        return cls(
            **{
                **stored,
                **{name: tuple(stored[name]) for name in lists},
                "prompts": frozenset(stored["prompts"]),
                "claims": ClaimsRequest.of(stored["claims"]),
            }
        )


def client_id_of(parameters: Parameters) -> str:
    """The client that a request names; raises `DirectError`."""
    try:
        client_id = None if parameters.repeated("client_id") else parameters.get("client_id")
    except OAuthError:
        client_id = None
    if client_id is None:
        raise DirectError(INVALID_REQUEST, "client_id is missing or repeated.")
    return client_id


def redirect_uri_of(parameters: Parameters, client: Client) -> tuple[str, bool]:
    """Where the answer goes, and whether the request says so; raises `DirectError`.

    Until this is known, no error may be sent anywhere (RFC 9700, 4.11.2).
    """
    if parameters.repeated("redirect_uri"):
        raise DirectError(INVALID_REQUEST, "redirect_uri is repeated.")
    try:
        given = parameters.get("redirect_uri")
        needed = given is None and OPENID in parameters.words("scope")
    except OAuthError as error:
        raise DirectError(error.error, error.description) from None
    if given is None:
        if needed or len(client.redirect_uris) != 1:
            raise DirectError(INVALID_REQUEST, "redirect_uri is missing.")
        return client.redirect_uris[0], False
    if not client.redirects_to(given):
        raise DirectError(INVALID_REQUEST, "redirect_uri is not one of the client's.")
    return given, True


def parse(parameters: Parameters, client: Client) -> AuthorizationRequest:
    """The request of a client whose redirect URI is known to be its own.

    Raises `OAuthError` for the redirect URI. Unknown parameters are ignored.
    """
    redirect_uri, given = redirect_uri_of(parameters, client)
    parameters.require_unrepeated()
    for name, error in _UNSUPPORTED.items():
        if parameters.get(name) is not None:
            raise OAuthError(error, f"{name} is not supported.")
    if AUTHORIZATION_CODE not in client.grant_types:
        raise OAuthError(UNAUTHORIZED_CLIENT, "The client may not use this grant.")
    if parameters.require("response_type") != "code":
        raise OAuthError(UNSUPPORTED_RESPONSE_TYPE, "Only the response type `code` is supported.")
    if (parameters.get("response_mode") or "query") != "query":
        raise OAuthError(INVALID_REQUEST, "Only the response mode `query` is supported.")
    prompts = frozenset(parameters.words("prompt"))
    if not prompts <= PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise OAuthError(INVALID_REQUEST, "prompt has an unknown value, or none with others.")
    return AuthorizationRequest(
        client_id=client.client_id,
        redirect_uri=redirect_uri,
        redirect_uri_given=given,
        scopes=scopes_of(parameters, client),
        state=_short(parameters, "state", MAX_STATE),
        nonce=_short(parameters, "nonce", MAX_STATE),
        code_challenge=_challenge(parameters, client),
        prompts=prompts,
        max_age=_max_age(parameters),
        login_hint=_short(parameters, "login_hint", 255),
        acr_values=parameters.words("acr_values"),
        claims=parse_claims(parameters.get("claims")),
        resources=resources_of(parameters, client),
        ui_locales=parameters.words("ui_locales"),
        dpop_jkt=_thumbprint(parameters),
    )


_UNSUPPORTED = {
    "request": "request_not_supported",
    "request_uri": "request_uri_not_supported",
    "registration": "registration_not_supported",
}
"""OpenID Connect Core 1.0, 3.1.2.6."""


def _short(parameters: Parameters, name: str, maximum: int) -> str | None:
    value = parameters.get(name)
    if value is not None and len(value) > maximum:
        raise OAuthError(INVALID_REQUEST, f"{name} is longer than {maximum} characters.")
    return value


def scopes_of(parameters: Parameters, client: Client) -> tuple[str, ...]:
    """The scopes that a request names; raises `OAuthError`."""
    asked = parameters.words("scope")
    if not asked:
        raise OAuthError(INVALID_SCOPE, "scope is missing.")
    if not set(asked) <= set(client.scopes):
        raise OAuthError(INVALID_SCOPE, "The client may not ask for one of these scopes.")
    if REFRESH_TOKEN not in client.grant_types:  # Core, 11: it is ignored then
        asked = tuple(scope for scope in asked if scope != OFFLINE_ACCESS)
    return asked


def _challenge(parameters: Parameters, client: Client) -> str | None:
    challenge, method = parameters.get("code_challenge"), parameters.get("code_challenge_method")
    if challenge is None:
        if method is not None or not client.confidential:
            raise OAuthError(INVALID_REQUEST, "code_challenge is missing (PKCE).")
        return None
    if method != pkce.S256:  # without a method it would be `plain` (RFC 7636, 4.3)
        raise OAuthError(INVALID_REQUEST, "code_challenge_method has to be S256.")
    if not pkce.is_challenge(challenge):
        raise OAuthError(INVALID_REQUEST, "code_challenge is not one of S256.")
    return challenge


def _thumbprint(parameters: Parameters) -> str | None:
    thumbprint = parameters.get("dpop_jkt")
    if thumbprint is not None and not _THUMBPRINT.fullmatch(thumbprint):
        raise OAuthError(INVALID_REQUEST, "dpop_jkt is no SHA-256 thumbprint.")
    return thumbprint


def _max_age(parameters: Parameters) -> int | None:
    text = parameters.get("max_age")
    if text is None:
        return None
    if not _SECONDS.fullmatch(text):
        raise OAuthError(INVALID_REQUEST, "max_age is not a number of seconds.")
    return int(text)


def resources_of(parameters: Parameters, client: Client) -> tuple[str, ...]:
    """The audiences that a request names (RFC 8707); raises `OAuthError`."""
    asked = tuple(dict.fromkeys(parameters.all("resource")))
    if not set(asked) <= set(client.resources):
        raise OAuthError(INVALID_TARGET, "The client may not ask for one of these resources.")
    return asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A living session: who is logged in, since when, and how."""

    uid: str
    sid: str
    at: datetime
    acr: str | None = None
    amr: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What has happened since the request arrived: nothing, before there is a challenge for it.

    `seen` is the time of the log-in that the request found; None for no session. `consented_by` is
    the session that has just consented to all that is asked.
    """

    began: datetime
    seen: datetime | None = None
    consented_by: str | None = None


@dataclass(frozen=True, slots=True)
class NeedsLogin:
    """The user has to log in, first or again."""


@dataclass(frozen=True, slots=True)
class NeedsConsent:
    """The user has to allow what is asked."""


@dataclass(frozen=True, slots=True)
class Granted:
    """A code may be issued to this log-in, for these scopes."""

    login: Login
    scopes: tuple[str, ...]


Decision: TypeAlias = NeedsLogin | NeedsConsent | Granted


def decide(
    request: AuthorizationRequest,
    client: Client,
    login: Login | None,
    consented: Collection[str],
    progress: Progress,
    now: datetime,
    levels: Sequence[str],
) -> Decision:
    """What comes next; raises `OAuthError` for the redirect URI.

    `consented` are the scopes that the user allowed the client earlier. `levels` are all values of
    `acr`, the weakest first.
    """
    if not set(request.scopes) <= set(client.scopes):  # a challenge may be older than the client's
        raise OAuthError(INVALID_SCOPE, "The client may not ask for one of these scopes.")
    silent = "none" in request.prompts
    if login is None or not _log_in_is_good(request, login, progress, now):
        if silent:
            raise OAuthError(LOGIN_REQUIRED, "The user has to log in.")
        return NeedsLogin()
    if request.claims.acr and login.acr not in request.claims.acr:
        if silent or _fresh(login, progress):
            raise OAuthError(UNMET_AUTHENTICATION, "The log-in is not of the class that is asked.")
        return NeedsLogin()
    if not silent and not _fresh(login, progress) and _could_be_stronger(request, login, levels):
        return NeedsLogin()
    if _needs_consent(request, client, login, consented, progress):
        if silent:
            raise OAuthError(CONSENT_REQUIRED, "The user has to consent.")
        return NeedsConsent()
    return Granted(login, request.scopes)


def _log_in_is_good(
    request: AuthorizationRequest, login: Login, progress: Progress, now: datetime
) -> bool:
    wanted = {sub for sub in (request.hinted_sub, request.claims.sub) if sub is not None}
    if wanted and wanted != {login.uid}:
        return False
    if request.prompts & {"login", "select_account"} and not _fresh(login, progress):
        return False
    if request.max_age is None or _fresh(login, progress):
        return True
    return (now - login.at).total_seconds() <= request.max_age


def _could_be_stronger(request: AuthorizationRequest, login: Login, levels: Sequence[str]) -> bool:
    """Whether `acr_values` ask for a level that the log-in does not reach (RFC 9470, 5).

    It is a wish (Core, 3.1.2.1): after a log-in for this request, whichever level it has will do.
    Values that are not ours are ignored.
    """
    asked = [levels.index(value) for value in request.acr_values if value in levels]
    reached = levels.index(login.acr) if login.acr in levels else -1
    return bool(asked) and reached < min(asked)


def _fresh(login: Login, progress: Progress) -> bool:
    """Whether the user has logged in since the request arrived.

    Times of log-ins are identity-svc's clock, so one is compared with another if there is one.
    """
    return login.at > (progress.seen or progress.began)


def _needs_consent(
    request: AuthorizationRequest,
    client: Client,
    login: Login,
    consented: Collection[str],
    progress: Progress,
) -> bool:
    if progress.consented_by == login.sid:
        return False
    if "consent" in request.prompts or client.host is not None:
        return True  # anybody can publish a document: the user sees each time whose it is
    return not client.first_party and not set(request.scopes) <= set(consented)


def answer_uri(redirect_uri: str, parameters: Mapping[str, str | None]) -> str:
    """The redirect URI with parameters added to those that it has (RFC 6749, 3.1.2)."""
    given = {name: value for name, value in parameters.items() if value is not None}
    return f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{urlencode(given)}"
