"""Caches who a caller is, for as long as session or access token and policy stay the same.

The caller depends on the credential, the client's address and, with a session, its User-Agent,
which are the key of this cache, and on session or access token and policy, which are in its
entries. Permissions, scope and audience of access tokens, rate limits, the CSRF tokens of unsafe
methods, and age and level of the authentication are checked for each call. On a miss the pipeline
decides.
"""

import time
from collections.abc import Callable
from typing import Final, Protocol

from authz_gateway.authn.access_tokens import ResolvedAccessToken, digest_of
from authz_gateway.authn.call import Call, Caller
from authz_gateway.authn.lookup_cache import Entry
from authz_gateway.authn.sessions import CSRF_EXEMPT, csrf_token_matches
from authz_gateway.authz.pipeline import UNRESTRICTED_PATHS
from authz_gateway.authz.policy import CompiledPolicy
from authz_gateway.authz.protected_resources import audience_of
from authz_gateway.authz.rate_limits import RateLimits
from authz_gateway.authz.step_up import suffices
from authz_gateway.http.headers import CREDENTIAL, SIGNATURE
from authz_gateway.routing.route_table import Access
from shared.contracts.sessions import ResolvedSession, session_key
from shared.web.cookies import cookie_values
from shared.web.principal import scheme_of

MAX_DECISIONS = 50_000
"""The oldest one is dropped. None outlives the cached credential it depends on: five seconds."""

_MAX_CACHED_COOKIES: Final = 4096
_MAX_CACHED_COOKIE_LENGTH: Final = 1024
_MAX_CACHED_TOKENS: Final = 4096
_MAX_CACHED_TOKEN_LENGTH: Final = 2048

# Compiled code reads the module's own constants faster than imported ones.
_UNRESTRICTED_PATHS: Final = UNRESTRICTED_PATHS
_CSRF_EXEMPT: Final = CSRF_EXEMPT
_PUBLIC: Final = Access.PUBLIC
_REQUIRED: Final = Access.REQUIRED

_SCHEMES: Final = frozenset({"bearer", "dpop"})
"""The schemes of Authorization that are credentials; any other decides nothing beside a cookie."""

_BEARER: Final = "Bearer "
"""Clients that write it otherwise take the whole pipeline."""

_Key = tuple[str, str, str]
"""The session key (digest of the cookie), the address and the User-Agent; or `_BEARER` with the
digest of an access token, the address and nothing."""


class CachedSessions(Protocol):
    """The cache of sessions."""

    def entry(self, key: str) -> Entry[ResolvedSession] | None:
        """The cached session with this `session_key`, with its expiry; None without one."""
        ...


class CachedAccessTokens(Protocol):
    """The cache of access tokens."""

    def entry(self, digest: str) -> Entry[ResolvedAccessToken] | None:
        """The cached token with this digest, with its expiry; None without one."""
        ...


class PolicyInForce(Protocol):
    """Permissions and restrictions."""

    def get(self) -> CompiledPolicy:
        """The current policy; raises `Unavailable` before the first was loaded."""
        ...


class Decision:
    """A caller who was authenticated under a policy, with the cached credential it depends on.

    That is a session or an access token. On public routes there is neither, and no caller.
    """

    __slots__ = ("caller", "policy", "role", "session", "token")

    def __init__(
        self,
        policy: CompiledPolicy,
        caller: Caller | None,
        session: Entry[ResolvedSession] | None,
        token: Entry[ResolvedAccessToken] | None = None,
    ) -> None:
        self.policy = policy
        self.caller = caller
        self.session = session
        self.token = token
        self.role = "" if caller is None else caller.principal.role

    def is_valid(self, now: float) -> bool:
        """Whether policy and credential are unchanged; `now` is monotonic time, seconds."""
        if self.policy.superseded:
            return False
        if self.session is not None and now >= self.session.expires:
            return False
        return self.token is None or now < self.token.expires


class DecisionCache:
    """Caches decisions about calls on public routes, with a session cookie or an access token."""

    def __init__(
        self,
        sessions: CachedSessions,
        access_tokens: CachedAccessTokens,
        policy: PolicyInForce,
        rate_limits: RateLimits,
        cookie_name: str,
        issuer: str,
        *,
        csrf_protection: bool,
        capacity: int = MAX_DECISIONS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`issuer`: the OAuth provider's. `clock`: seconds since the epoch."""
        self._sessions = sessions
        self._access_tokens = access_tokens
        self._issuer = issuer
        self._policy = policy
        self._rate_limits = rate_limits
        self._cookie_name = cookie_name
        self._csrf_protection = csrf_protection
        self._capacity = capacity
        self._clock = clock
        self._by_caller: dict[_Key, Decision] = {}
        self._by_address: dict[str, Decision] = {}  # on public routes
        self._digests: dict[str, str] = {}  # by the whole Cookie header
        self._tokens: dict[str, str] = {}  # by the whole Authorization header

    def __len__(self) -> int:
        return len(self._by_caller) + len(self._by_address)

    def get(self, call: Call, now: float) -> Decision | None:
        """The decision about an allowed call; None when the pipeline must decide.

        Counts an allowed call towards its rate limit, and raises `Throttled` at the limit. `now` is
        monotonic time, seconds.
        """
        if call.path in _UNRESTRICTED_PATHS:
            return None
        route = call.route
        access = route.access
        if access is _PUBLIC:
            return self._public(call, now)
        key = self._key(call) if access is _REQUIRED else None
        decision = None if key is None else self._by_caller.get(key)
        if decision is None or not decision.is_valid(now):
            return None
        caller = decision.caller
        if caller is None or not self._is_proven(call, decision):
            return None
        if (route.max_age is not None or route.acr is not None) and not suffices(
            route, caller.principal, self._clock()
        ):
            return None
        verdict = decision.policy.verdict(decision.role, call.method, call.path, route)
        if not verdict.allowed or verdict.audited:
            return None
        if route.rate is not None:
            self._rate_limits.require_capacity(route, call.address)
            self._rate_limits.take(route, caller.principal.uid)
        return decision

    def put(self, call: Call, caller: Caller | None, policy: CompiledPolicy, now: float) -> None:
        """Stores that the pipeline allowed a call.

        `policy` was in force when the pipeline began. Nothing is stored when another policy is in
        force now, because either of them may have decided.
        """
        if self._policy.get() is not policy or call.path in _UNRESTRICTED_PATHS:
            return  # restrictions do not apply to these paths, but they do elsewhere
        if caller is None:
            if len(self._by_address) >= self._capacity:
                self._by_address.clear()
            self._by_address[call.address_text] = Decision(policy, None, None)
            return
        key = self._key(call)
        decision = None if key is None else self._decision(key, caller, policy)
        if key is None or decision is None:
            return
        decisions = self._by_caller
        decisions.pop(key, None)  # inserted again as the newest
        decisions[key] = decision
        while True:
            oldest = next(iter(decisions))
            if len(decisions) <= self._capacity and decisions[oldest].is_valid(now):
                return
            del decisions[oldest]
            if not decisions:
                return

    def _decision(self, key: _Key, caller: Caller, policy: CompiledPolicy) -> Decision | None:
        """None unless it depended on this very credential, which may have been replaced since."""
        if key[0].startswith(_BEARER):
            token = self._access_tokens.entry(key[0].removeprefix(_BEARER))
            if token is None or token.value.owner.principal is not caller.principal:
                return None
            if token.value.thumbprint is not None:  # each call needs a proof of its own
                return None
            return Decision(policy, caller, None, token)
        session = self._sessions.entry(key[0])
        if session is None or session.value.principal is not caller.principal:
            return None
        return Decision(policy, caller, session)

    def _is_proven(self, call: Call, decision: Decision) -> bool:
        """Whether this call shows all that its credential needs here.

        An access token must be meant for the route, and with a session, unsafe methods need its
        CSRF token.
        """
        if decision.token is not None:
            token, route = decision.token.value, call.route
            audience = audience_of(route, self._issuer) if route.resource else self._issuer
            return route.scope in token.scopes and audience in token.audience
        if call.method in _CSRF_EXEMPT or not self._csrf_protection:
            return True
        csrf_token = call.head.read.get("x-csrf-token", "")
        return decision.session is not None and csrf_token_matches(
            csrf_token, decision.session.value
        )

    def _public(self, call: Call, now: float) -> Decision | None:
        decision = self._by_address.get(call.address_text)
        if decision is None or not decision.is_valid(now):
            return None
        if call.route.rate is not None:
            self._rate_limits.take(call.route, call.address)
        return decision

    def _key(self, call: Call) -> _Key | None:
        """The key of a call; None for calls whose decisions are not cached."""
        head = call.head
        read = head.read
        if head.flags & CREDENTIAL:
            if head.flags & SIGNATURE or (head.repeated and "authorization" in head.repeated):
                return None
            authorization = read.get("authorization", "")
            key = self._tokens.get(authorization) or self._token(authorization)
            if key:
                return key, call.address_text, ""
            if scheme_of(authorization) in _SCHEMES:
                return None
        cookies = read.get("cookie")
        if cookies is None:
            return None
        if head.repeated and "cookie" in head.repeated:
            return None
        digest = self._digests.get(cookies) or self._digest(cookies)
        if not digest:
            return None
        return digest, call.address_text, read.get("user-agent", "")

    def _digest(self, cookies: str) -> str:
        """The session key of a Cookie header; empty unless it has exactly one session cookie."""
        found = cookie_values((cookies,), self._cookie_name)
        digest = session_key(found[0]) if len(found) == 1 else ""
        if len(cookies) <= _MAX_CACHED_COOKIE_LENGTH:
            if len(self._digests) >= _MAX_CACHED_COOKIES:
                self._digests.clear()
            self._digests[cookies] = digest
        return digest

    def _token(self, authorization: str) -> str:
        """`_BEARER` with the digest of a bearer token; empty for other credentials."""
        token = authorization.removeprefix(_BEARER).strip(" \t")
        key = _BEARER + digest_of(token) if authorization.startswith(_BEARER) else ""
        if key and len(authorization) <= _MAX_CACHED_TOKEN_LENGTH:
            if len(self._tokens) >= _MAX_CACHED_TOKENS:
                self._tokens.clear()
            self._tokens[authorization] = key
        return key
