"""The decision: whether anyone may call from there, who is calling, and whether he may."""

from dataclasses import dataclass
from typing import Protocol

from multidict import MultiMapping

from authz_gateway.api_keys.rules import is_signed, within_scope
from authz_gateway.policy.compiled import CompiledPolicy
from authz_gateway.restrictions.errors import Restricted
from authz_gateway.restrictions.places import Places
from authz_gateway.routing.table import Access
from authz_gateway.sessions.cookie import session_cookie
from authz_gateway.sessions.errors import ClientSessionMismatch, InvalidSession
from authz_gateway.sessions.rules import (
    CSRF_METHODS,
    Binding,
    presented_csrf_token,
    require_csrf_token,
    require_usable,
)
from shared.contracts.api_keys import SigningKey
from shared.contracts.sessions import ResolvedSession, UserToken
from shared.contracts.users import User
from shared.errors import Unauthenticated
from shared.web.client_address import Address
from shared.web.principal import BadBearerToken, Principal, bearer_token

WAY_IN = "/api/v2/barong/identity/users/access"
"""Where whoever is kept out uses a whitelink; identity-svc asks for a living one."""


class PermissionDenied(Unauthenticated):
    """Nobody may call this path."""

    codes = ("authz.permission_denied",)


class InvalidPermission(Unauthenticated):
    """The caller's role may not make this call."""

    codes = ("authz.invalid_permission",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is decided about; `path` is canonical, `scope` that of its route."""

    access: Access
    method: str
    path: str
    scope: str
    headers: MultiMapping[str]
    address: Address


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling, and the token that tells upstreams so."""

    principal: Principal
    token: str

    @classmethod
    def of(cls, session: ResolvedSession) -> "Caller":
        """The user as his session shows him now, whatever older tokens say."""
        return cls(_principal(session.user, session.sid), session.token)

    @classmethod
    def of_key(cls, owner: UserToken) -> "Caller":
        """The owner of an API key."""
        return cls(_principal(owner.user, None), owner.token)


def _principal(user: User, sid: str | None) -> Principal:
    return Principal(
        uid=user.uid,
        email=user.email,
        role=user.role,
        level=user.level,
        state=user.state,
        referral_uid=user.referral_uid,
        sid=sid,
    )


class Sessions(Protocol):
    """Living sessions; every call may raise `Unavailable`."""

    async def by_cookie(self, cookie: str) -> ResolvedSession | None:
        """The session of a cookie."""
        ...

    async def by_sid(self, sid: str) -> ResolvedSession | None:
        """The session behind a bearer."""
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

    async def __call__(self, headers: MultiMapping[str]) -> tuple[SigningKey, UserToken]:
        """The key and its owner; raises the `Refusal` that the client is told."""
        ...


class PolicyInForce(Protocol):
    """Permissions and restrictions."""

    def get(self) -> CompiledPolicy:
        """The policy as it is now; raises `Unavailable`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """Authenticates and authorizes a call."""

    sessions: Sessions
    bearers: Bearers
    signed_calls: SignedCalls
    places: Places
    policy: PolicyInForce
    cookie_name: str
    csrf_protection: bool
    binding: Binding

    async def __call__(self, call: Call) -> Caller | None:
        """The caller, None on a public path.

        Raises the `Refusal` that the client is told.
        """
        if call.path != WAY_IN:
            self._keep_out(call.address)
        if call.access is Access.BLOCKED:
            raise PermissionDenied
        if call.access is Access.PUBLIC:
            return None

        if is_signed(call.headers):
            caller = await self._caller_of_api_key(call)
        elif "Authorization" in call.headers:
            caller = await self._caller_of_bearer(bearer_token(call.headers))
            require_usable(caller.principal.state)
        else:
            cookie = session_cookie(call.headers, self.cookie_name)
            if self.csrf_protection and call.method in CSRF_METHODS:
                csrf_token = presented_csrf_token(call.headers)
                session = await self.sessions.by_cookie(cookie)
                require_csrf_token(csrf_token, session)
            else:
                session = await self.sessions.by_cookie(cookie)
            if session is None:
                raise InvalidSession
            require_usable(session.user.state)
            if self.binding.broken(session, call.headers.get("User-Agent", ""), call.address):
                await self.sessions.revoke(session.sid)
                raise ClientSessionMismatch
            caller = Caller.of(session)

        if not self.policy.get().decide(caller.principal.role, call.method, call.path).allowed:
            raise InvalidPermission
        return caller

    def _keep_out(self, address: Address) -> None:
        match = self.policy.get().restrictions.first_match(address, self.places)
        if match is not None and match.category != "whitelist":
            raise Restricted(match)

    async def _caller_of_api_key(self, call: Call) -> Caller:
        key, owner = await self.signed_calls(call.headers)
        if not within_scope(key, call.scope):
            raise InvalidPermission
        return Caller.of_key(owner)

    async def _caller_of_bearer(self, token: str) -> Caller:
        principal = await self.bearers.principal(token)
        # Without a session it was made for an API key, whose scopes and nonces it must not evade.
        session = await self.sessions.by_sid(principal.sid) if principal.sid else None
        if session is None:
            raise BadBearerToken
        return Caller.of(session)
