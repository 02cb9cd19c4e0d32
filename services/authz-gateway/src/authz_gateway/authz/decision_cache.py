"""Caches who a caller is, for as long as session and policy stay the same.

The caller depends on the credential, the client's address and its User-Agent, which are the key of
this cache, and on session and policy, which are in its entries. Permissions, rate limits, the CSRF
tokens of unsafe methods, and age and level of the authentication are checked for each call. On a
miss the pipeline decides.
"""

import time
from collections.abc import Callable
from typing import Final, Protocol

from authz_gateway.authn.lookup_cache import Entry
from authz_gateway.authn.sessions import CSRF_EXEMPT, csrf_token_matches
from authz_gateway.authz.call import Call, Caller
from authz_gateway.authz.pipeline import WHITELINK_PATH
from authz_gateway.authz.policy import CompiledPolicy
from authz_gateway.authz.rate_limits import RateLimits
from authz_gateway.authz.step_up import suffices
from authz_gateway.http.headers import CREDENTIAL
from authz_gateway.routing.route_table import Access
from shared.contracts.sessions import ResolvedSession, session_key
from shared.web.cookies import cookie_values

MAX_DECISIONS = 50_000
"""The oldest one is dropped. None outlives the cached session it depends on: five seconds."""

_MAX_CACHED_COOKIES: Final = 4096
_MAX_CACHED_COOKIE_LENGTH: Final = 1024

# Compiled code reads the module's own constants faster than imported ones.
_WHITELINK_PATH: Final = WHITELINK_PATH
_CSRF_EXEMPT: Final = CSRF_EXEMPT
_PUBLIC: Final = Access.PUBLIC
_REQUIRED: Final = Access.REQUIRED

_Key = tuple[str, str, str]
"""The session key (digest of the cookie), the address and the User-Agent."""


class CachedSessions(Protocol):
    """The cache of sessions."""

    def entry(self, key: str) -> Entry[ResolvedSession] | None:
        """The cached session with this `session_key`, with its expiry; None without one."""
        ...


class PolicyInForce(Protocol):
    """Permissions and restrictions."""

    def get(self) -> CompiledPolicy:
        """The current policy; raises `Unavailable` before the first was loaded."""
        ...


class Decision:
    """A caller who was authenticated under a policy, with the cached session it depends on.

    On public routes caller and session are None.
    """

    __slots__ = ("caller", "policy", "role", "session")

    def __init__(
        self,
        policy: CompiledPolicy,
        caller: Caller | None,
        session: Entry[ResolvedSession] | None,
    ) -> None:
        self.policy = policy
        self.caller = caller
        self.session = session
        self.role = "" if caller is None else caller.principal.role

    def is_valid(self, now: float) -> bool:
        """Whether policy and session are unchanged; `now` is monotonic time, seconds."""
        if self.policy.superseded:
            return False
        return self.session is None or now < self.session.expires


class DecisionCache:
    """Caches decisions about calls on public routes and about calls with a session cookie."""

    def __init__(
        self,
        sessions: CachedSessions,
        policy: PolicyInForce,
        rate_limits: RateLimits,
        cookie_name: str,
        *,
        csrf_protection: bool,
        capacity: int = MAX_DECISIONS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock`: seconds since the epoch."""
        self._sessions = sessions
        self._policy = policy
        self._rate_limits = rate_limits
        self._cookie_name = cookie_name
        self._csrf_protection = csrf_protection
        self._capacity = capacity
        self._clock = clock
        self._by_caller: dict[_Key, Decision] = {}
        self._by_address: dict[str, Decision] = {}  # on public routes
        self._digests: dict[str, str] = {}  # by the whole Cookie header

    def __len__(self) -> int:
        return len(self._by_caller) + len(self._by_address)

    def get(self, call: Call, now: float) -> Decision | None:
        """The decision about an allowed call; None when the pipeline must decide.

        Counts an allowed call towards its rate limit, and raises `Throttled` at the limit. `now` is
        monotonic time, seconds.
        """
        if call.path == _WHITELINK_PATH:
            return None
        route = call.route
        access = route.access
        if access is _PUBLIC:
            return self._public(call, now)
        key = self._key(call) if access is _REQUIRED else None
        decision = None if key is None else self._by_caller.get(key)
        if decision is None or not decision.is_valid(now):
            return None
        caller, session = decision.caller, decision.session
        if caller is None or session is None:
            return None
        if (route.max_age is not None or route.acr is not None) and not suffices(
            route, caller.principal, self._clock()
        ):
            return None
        verdict = decision.policy.verdict(decision.role, call.method, call.path, route)
        if not verdict.allowed or verdict.audited:
            return None
        if call.method not in _CSRF_EXEMPT and self._csrf_protection:
            token = call.head.read.get("x-csrf-token", "")
            if not csrf_token_matches(token, session.value):
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
        if self._policy.get() is not policy or call.path == WHITELINK_PATH:
            return  # restrictions do not apply to the whitelink path, but they do elsewhere
        if caller is None:
            if len(self._by_address) >= self._capacity:
                self._by_address.clear()
            self._by_address[call.address_text] = Decision(policy, None, None)
            return
        key = self._key(call)
        session = None if key is None else self._sessions.entry(key[0])
        # The decision depended on this very session: it may have been dropped or replaced since.
        if key is None or session is None or session.value.principal is not caller.principal:
            return
        decisions = self._by_caller
        decisions.pop(key, None)  # inserted again as the newest
        decisions[key] = Decision(policy, caller, session)
        while True:
            oldest = next(iter(decisions))
            if len(decisions) <= self._capacity and decisions[oldest].is_valid(now):
                return
            del decisions[oldest]
            if not decisions:
                return

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
        cookies = read.get("cookie")
        if cookies is None or head.flags & CREDENTIAL:
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
