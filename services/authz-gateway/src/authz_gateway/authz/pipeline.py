"""The decision pipeline: restrictions, authentication, rate limits, permissions, audit."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from authz_gateway.authn.access_tokens import (
    InsufficientScope,
    InvalidAccessToken,
    ResolvedAccessToken,
    is_of_a_client,
)
from authz_gateway.authn.api_keys import is_signed, within_scope
from authz_gateway.authn.call import Call, Caller
from authz_gateway.authn.errors import ClientSessionMismatch, CsrfTokenMismatch, InvalidSession
from authz_gateway.authn.proofs import TokenNotProven
from authz_gateway.authn.sessions import (
    CSRF_EXEMPT,
    Binding,
    csrf_token_matches,
    presented_csrf_token,
    require_usable,
    session_cookies,
)
from authz_gateway.authz.challenges import in_dpop, presents_bound_only
from authz_gateway.authz.policy import CompiledPolicy
from authz_gateway.authz.protected_resources import audience_of, challenge
from authz_gateway.authz.rate_limits import ANONYMOUS, UNDECIDED, RateLimits
from authz_gateway.authz.restrictions import require_unrestricted
from authz_gateway.authz.step_up import require_step_up
from authz_gateway.routing.route_table import Access, Route
from shared.contracts.api_keys import SigningKey
from shared.contracts.sessions import ResolvedSession, UserToken
from shared.errors import Refusal, Unauthenticated
from shared.policy.places import Places
from shared.tokens.bearer import BadBearerToken
from shared.values.addresses import Address
from shared.values.principal import Principal
from shared.web.principal import bearer_token, bound_token, presents_bearer, presents_bound

WHITELINK_PATH = "/api/v2/barong/identity/users/access"
"""Here a restricted user opens a whitelink, which identity-svc checks."""
WHITELINK_PAGE = "/accounts/access"
"""The page of console-svc that makes this call."""
UNRESTRICTED_PATHS = frozenset({WHITELINK_PATH, WHITELINK_PAGE})
"""Paths to which restrictions may not apply; `is_unrestricted` decides."""


def is_unrestricted(path: str, route: Route) -> bool:
    """Whether no restriction applies to a call.

    The path of the page is exempt only on a route of pages: elsewhere it may be anybody's.
    """
    return path == WHITELINK_PATH or (path == WHITELINK_PAGE and route.page)


class PermissionDenied(Unauthenticated):
    """The route is blocked for everybody."""

    codes = ("authz.permission_denied",)


class InvalidPermission(Unauthenticated):
    """The caller's role may not make this call."""

    codes = ("authz.invalid_permission",)


class Sessions(Protocol):
    """Valid sessions; every method may raise `Unavailable`."""

    async def by_cookie(self, cookie: str) -> ResolvedSession | None:
        """The session of a cookie, None without one."""
        ...

    async def by_sid(self, sid: str) -> ResolvedSession | None:
        """The session of a bearer token, None when it ended."""
        ...

    async def add_network(
        self, session: ResolvedSession, address: Address
    ) -> ResolvedSession | None:
        """Binds the session to the address's network, too; None when the session ended."""
        ...

    async def revoke(self, sid: str) -> None:
        """Revokes a session."""
        ...


class Bearers(Protocol):
    """Verifies bearer tokens."""

    async def principal(self, token: str) -> Principal:
        """The user of a valid token; raises `BadBearerToken` or `Unavailable`."""
        ...


class AccessTokens(Protocol):
    """Verifies access tokens of OAuth clients."""

    async def resolve(self, token: str) -> ResolvedAccessToken:
        """The token; raises `InvalidAccessToken` or `Unavailable`."""
        ...


class Proofs(Protocol):
    """Checks proofs of keys."""

    async def require(self, call: Call, token: str, thumbprint: str) -> None:
        """Returns if the call has a good proof for a token that is bound to this key.

        Raises the `Refusal` for the client.
        """
        ...


class ApiKeyAuthenticator(Protocol):
    """Authenticates calls that are signed with API keys."""

    async def __call__(self, call: Call) -> tuple[SigningKey, UserToken]:
        """The key and its owner; raises the `Refusal` for the client."""
        ...


class PolicyInForce(Protocol):
    """Permissions and restrictions."""

    def get(self) -> CompiledPolicy:
        """The current policy; raises `Unavailable` before the first was loaded."""
        ...


class AuditLog(Protocol):
    """Records allowed and denied calls."""

    async def record_allowed(self, call: Call, uid: str, topic: str | None) -> None:
        """Records an allowed call; raises a `Refusal` when that fails."""
        ...

    async def record_denied(self, call: Call, uid: str, topic: str | None) -> None:
        """Records a denied call, if possible; raises nothing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """Authenticates and authorizes a call."""

    sessions: Sessions
    bearers: Bearers
    access_tokens: AccessTokens
    proofs: Proofs
    authenticate_api_key: ApiKeyAuthenticator
    places: Places
    policy: PolicyInForce
    rate_limits: RateLimits
    cookie_name: str
    csrf_protection: bool
    binding: Binding
    audits: AuditLog
    issuer: str
    """The OAuth provider's, which begins the addresses of protected resources, too."""
    clock: Callable[[], float] = time.time
    """Seconds since the epoch."""

    async def __call__(self, call: Call) -> Caller | None:
        """The caller, None on a public route; raises the `Refusal` for the client."""
        try:
            return await self._decide(call)
        except Refusal as refusal:
            given = refusal.headers.get("WWW-Authenticate")
            if given is not None and presents_bound_only(call.headers):
                refusal.headers = {**refusal.headers, "WWW-Authenticate": in_dpop(given)}
            raise

    async def _decide(self, call: Call) -> Caller | None:
        if not is_unrestricted(call.path, call.route):
            require_unrestricted(self.policy.get().restrictions, call.address, self.places)
        if call.route.access is Access.BLOCKED:
            self.rate_limits.take(UNDECIDED, call.address)
            raise PermissionDenied
        if call.route.access is Access.PUBLIC:
            self.rate_limits.take(call.route, call.address)
            return None

        # An address that has exhausted its budget of unauthenticated calls gets 429 before any
        # credentials are looked up.
        limited = ANONYMOUS if call.route.rate is None else call.route
        self.rate_limits.require_capacity(limited, call.address)
        try:
            caller = await self._caller_of(call)
        except Unauthenticated as refusal:
            self.rate_limits.charge(limited, call.address)  # even above the limit: it was looked up
            challenge(refusal, call.route, self.issuer)
            raise
        self.rate_limits.take(call.route, caller.principal.uid)

        verdict = self.policy.get().verdict(
            caller.principal.role, call.method, call.path, call.route
        )
        allowed = verdict.allowed and caller.in_scope
        if verdict.audited or not allowed:
            self.rate_limits.take_audited(call.route, caller.principal.uid, allowed=allowed)
        if not allowed:
            await self.audits.record_denied(call, caller.principal.uid, verdict.topic)
            raise _denial(call, caller)
        require_step_up(call.route, caller.principal, self.clock())
        if verdict.audited:
            await self.audits.record_allowed(call, caller.principal.uid, verdict.topic)
        return caller

    async def _caller_of(self, call: Call) -> Caller:
        """The caller by the credentials of the call; raises the `Refusal` for the client."""
        if is_signed(call.headers):
            return await self._caller_of_api_key(call)
        if presents_bearer(call.headers):
            return await self._caller_of_bearer(call)
        if presents_bound(call.headers):
            return await self._caller_of_bound_token(call)
        return await self._caller_of_cookie(call)

    async def _caller_of_api_key(self, call: Call) -> Caller:
        key, owner = await self.authenticate_api_key(call)
        return Caller.of_key(owner, key.kid, in_scope=within_scope(key, call.route.scope))

    async def _caller_of_bearer(self, call: Call) -> Caller:
        token = bearer_token(call.headers)
        if is_of_a_client(token):
            return await self._caller_of_access_token(call, token)
        principal = await self.bearers.principal(token)
        # A token without a session was issued for an API key: it must not evade scopes and nonces.
        session = await self.sessions.by_sid(principal.sid) if principal.sid else None
        if session is None:
            raise BadBearerToken
        require_usable(session.user.state)
        return Caller.of(session)

    async def _caller_of_access_token(self, call: Call, token: str) -> Caller:
        """The caller with a bearer token of a client."""
        found = await self.access_tokens.resolve(token)
        if found.thumbprint is not None:  # whoever has it may have stolen it (RFC 9449, 7.2)
            raise TokenNotProven
        return self._caller_of_client(call, found)

    async def _caller_of_bound_token(self, call: Call) -> Caller:
        """The caller with a token and a proof, which is checked for each call."""
        token = bound_token(call.headers)
        try:
            found = await self.access_tokens.resolve(token)
        except InvalidAccessToken:
            raise TokenNotProven from None
        if found.thumbprint is None:
            raise TokenNotProven
        caller = self._caller_of_client(call, found)
        await self.proofs.require(call, token, found.thumbprint)
        return caller

    def _caller_of_client(self, call: Call, found: ResolvedAccessToken) -> Caller:
        """A client reaches only routes that have a scope, and of those the ones it was granted."""
        if audience_of(call.route, self.issuer) not in found.audience:
            raise InvalidAccessToken if found.thumbprint is None else TokenNotProven
        require_usable(found.owner.user.state)
        in_scope = call.route.scope in found.scopes
        return Caller.of_grant(found.owner, found.grant_id, in_scope=in_scope)

    async def _caller_of_cookie(self, call: Call) -> Caller:
        cookies = session_cookies(call.headers, self.cookie_name)
        csrf_token = None
        if self.csrf_protection and call.method not in CSRF_EXEMPT:
            csrf_token = presented_csrf_token(call.headers)
        session = await self._find_session(cookies, csrf_token)
        require_usable(session.user.state)
        if self.binding.unseen(session, call.address):
            bound = await self.sessions.add_network(session, call.address)
            if bound is None:
                raise InvalidSession
            session = bound
        if self.binding.broken(session, call.headers.get("User-Agent", ""), call.address):
            await self.sessions.revoke(session.sid)
            raise ClientSessionMismatch
        return Caller.of(session)

    async def _find_session(
        self, cookies: Sequence[str], csrf_token: str | None
    ) -> ResolvedSession:
        """The first valid session of the cookies that matches the CSRF token, if one is given.

        Raises `InvalidSession`, or `CsrfTokenMismatch` when a token is given.
        """
        for cookie in cookies:
            session = await self.sessions.by_cookie(cookie)
            if session is not None and (
                csrf_token is None or csrf_token_matches(csrf_token, session)
            ):
                return session
        raise InvalidSession if csrf_token is None else CsrfTokenMismatch


def _denial(call: Call, caller: Caller) -> Refusal:
    if caller.grant is not None and not caller.in_scope:
        return InsufficientScope(call.route.scope)
    return InvalidPermission()
