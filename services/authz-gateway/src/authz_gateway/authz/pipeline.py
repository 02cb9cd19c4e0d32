"""The decision: whether anyone may call from there, who is calling, and whether they may."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from authz_gateway.authn.api_keys import is_signed, within_scope
from authz_gateway.authn.errors import ClientSessionMismatch, CsrfTokenMismatch, InvalidSession
from authz_gateway.authn.sessions import (
    CSRF_EXEMPT,
    Binding,
    csrf_token_matches,
    presented_csrf_token,
    require_usable,
    session_cookies,
)
from authz_gateway.authz.call import Call, Caller
from authz_gateway.authz.policy import CompiledPolicy
from authz_gateway.authz.rate_limits import ANONYMOUS, RateLimits
from authz_gateway.authz.restrictions import require_unrestricted
from authz_gateway.routing.route_table import Access
from shared.contracts.api_keys import SigningKey
from shared.contracts.sessions import ResolvedSession, UserToken
from shared.errors import Unauthenticated
from shared.policy.places import Places
from shared.tokens.bearer import BadBearerToken
from shared.values.addresses import Address
from shared.values.principal import Principal
from shared.web.principal import bearer_token, presents_bearer

WAY_IN = "/api/v2/barong/identity/users/access"
"""Where whoever is kept out uses a whitelink; identity-svc asks for a living one."""


class PermissionDenied(Unauthenticated):
    """Nobody may call this path."""

    codes = ("authz.permission_denied",)


class InvalidPermission(Unauthenticated):
    """The caller's role may not make this call."""

    codes = ("authz.invalid_permission",)


class Sessions(Protocol):
    """Living sessions; every call may raise `Unavailable`."""

    async def by_cookie(self, cookie: str) -> ResolvedSession | None:
        """The session of a cookie."""
        ...

    async def by_sid(self, sid: str) -> ResolvedSession | None:
        """The session behind a bearer."""
        ...

    async def add_network(
        self, session: ResolvedSession, address: Address
    ) -> ResolvedSession | None:
        """The session, bound to the address's network, too; None when it ended."""
        ...

    async def revoke(self, sid: str) -> None:
        """Ends a session."""
        ...


class Bearers(Protocol):
    """Bearer tokens."""

    async def principal(self, token: str) -> Principal:
        """The user of a genuine token; raises `BadBearerToken` or `Unavailable`."""
        ...


class SignedCalls(Protocol):
    """Calls that are signed with API keys."""

    async def __call__(self, call: Call) -> tuple[SigningKey, UserToken]:
        """The key and its owner; raises the `Refusal` that the client is told."""
        ...


class PolicyInForce(Protocol):
    """Permissions and restrictions."""

    def get(self) -> CompiledPolicy:
        """The policy as it is now; raises `Unavailable`."""
        ...


class Audits(Protocol):
    """What is kept of who was let pass or refused."""

    async def passed(self, call: Call, uid: str, topic: str | None) -> None:
        """The call is let pass, and kept; raises `Unavailable` where it cannot be."""
        ...

    async def denied(self, call: Call, uid: str, topic: str | None) -> None:
        """The call is refused, and kept if that can be."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """Authenticates and authorizes a call."""

    sessions: Sessions
    bearers: Bearers
    signed_calls: SignedCalls
    places: Places
    policy: PolicyInForce
    rate_limits: RateLimits
    cookie_name: str
    csrf_protection: bool
    binding: Binding
    audits: Audits

    async def __call__(self, call: Call) -> Caller | None:
        """The caller, None on a public path.

        Raises the `Refusal` that the client is told.
        """
        if call.path != WAY_IN:
            require_unrestricted(self.policy.get().restrictions, call.address, self.places)
        if call.route.access is Access.BLOCKED:
            raise PermissionDenied
        if call.route.access is Access.PUBLIC:
            self.rate_limits.take(call.route, call.address)
            return None

        # Calls without a known caller count for their address, before anybody is asked again.
        guesses = ANONYMOUS if call.route.rate is None else call.route
        self.rate_limits.demand_room(guesses, call.address)
        try:
            if is_signed(call.headers):
                caller = await self._caller_of_api_key(call)
            elif presents_bearer(call.headers):
                caller = await self._caller_of_bearer(call)
            else:
                caller = await self._caller_of_cookie(call)
        except Unauthenticated:
            self.rate_limits.charge(guesses, call.address)  # of many at once, all were asked about
            raise
        self.rate_limits.take(call.route, caller.principal.uid)

        verdict = self.policy.get().verdict(
            caller.principal.role, call.method, call.path, call.route
        )
        allowed = verdict.allowed and caller.in_scope
        if verdict.audited or not allowed:
            self.rate_limits.take_audited(call.route, caller.principal.uid)
        if not allowed:
            await self.audits.denied(call, caller.principal.uid, verdict.topic)
            raise InvalidPermission
        if verdict.audited:
            await self.audits.passed(call, caller.principal.uid, verdict.topic)
        return caller

    async def _caller_of_api_key(self, call: Call) -> Caller:
        key, owner = await self.signed_calls(call)
        return Caller.of_key(owner, key.kid, in_scope=within_scope(key, call.route.scope))

    async def _caller_of_bearer(self, call: Call) -> Caller:
        principal = await self.bearers.principal(bearer_token(call.headers))
        # Without a session it was made for an API key, whose scopes and nonces it must not evade.
        session = await self.sessions.by_sid(principal.sid) if principal.sid else None
        if session is None:
            raise BadBearerToken
        require_usable(session.user.state)
        return Caller.of(session)

    async def _caller_of_cookie(self, call: Call) -> Caller:
        cookies = session_cookies(call.headers, self.cookie_name)
        csrf_token = None
        if self.csrf_protection and call.method not in CSRF_EXEMPT:
            csrf_token = presented_csrf_token(call.headers)
        session = await self._session_of(cookies, csrf_token)
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

    async def _session_of(self, cookies: Sequence[str], csrf_token: str | None) -> ResolvedSession:
        """The first living session of several cookies, or the one whose CSRF token is given.

        Raises `InvalidSession`, or `CsrfTokenMismatch` where a token is given.
        """
        for cookie in cookies:
            session = await self.sessions.by_cookie(cookie)
            if session is not None and (
                csrf_token is None or csrf_token_matches(csrf_token, session)
            ):
                return session
        raise InvalidSession if csrf_token is None else CsrfTokenMismatch
