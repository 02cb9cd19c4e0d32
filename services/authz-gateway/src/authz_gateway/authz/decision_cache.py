"""Decisions about callers, kept while nothing that they rest on has changed.

Who a caller is follows from the credential, the client's address, its User-Agent, and the session
and the policy as they are. That is the key of this cache, and what an entry holds. Whether the
caller may make this very call is looked up each time, in the policy in force; so are rates, and
CSRF tokens of unsafe methods. What the cache does not know, the pipeline decides.
"""

from typing import Final, Protocol

from authz_gateway.authn.lookup_cache import Entry
from authz_gateway.authn.sessions import CSRF_EXEMPT, csrf_token_matches
from authz_gateway.authz.call import Call, Caller
from authz_gateway.authz.pipeline import WAY_IN
from authz_gateway.authz.policy import CompiledPolicy
from authz_gateway.authz.rate_limits import RateLimits
from authz_gateway.http.headers import CREDENTIAL
from authz_gateway.routing.route_table import Access
from shared.contracts.sessions import ResolvedSession, session_key
from shared.web.cookies import cookie_values

MAX_DECISIONS = 50_000
"""The oldest makes room. None lives longer than a session is kept in memory: five seconds."""

_MOST_COOKIES: Final = 4096
_LONGEST_COOKIES: Final = 1024

# Names of this module cost a compiled one less than those of others.
_WAY_IN: Final = WAY_IN
_CSRF_EXEMPT: Final = CSRF_EXEMPT
_PUBLIC: Final = Access.PUBLIC
_REQUIRED: Final = Access.REQUIRED

_Key = tuple[str, str, str]
"""The digest of the credential, the address, the User-Agent."""


class HeldSessions(Protocol):
    """Sessions that are in memory."""

    def entry(self, key: str) -> Entry[ResolvedSession] | None:
        """The session under a key (`session_key`), and when it expires; None where it is not."""
        ...


class PolicyInForce(Protocol):
    """Permissions and restrictions."""

    def get(self) -> CompiledPolicy:
        """The policy as it is now; raises `Unavailable`."""
        ...


class Decision:
    """That a caller may call from an address, by a policy, for as long as the session is kept.

    On public routes there is neither a caller nor a session.
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

    def holds(self, now: float) -> bool:
        """Whether nothing has changed; `now` is of the monotonic clock, seconds."""
        if self.policy.superseded:
            return False
        return self.session is None or now < self.session.expires


class DecisionCache:
    """Keeps decisions about calls on public routes, and about calls with a session cookie."""

    def __init__(
        self,
        sessions: HeldSessions,
        policy: PolicyInForce,
        rate_limits: RateLimits,
        cookie_name: str,
        *,
        csrf_protection: bool,
    ) -> None:
        self._sessions = sessions
        self._policy = policy
        self._rate_limits = rate_limits
        self._cookie_name = cookie_name
        self._csrf_protection = csrf_protection
        self._of_callers: dict[_Key, Decision] = {}
        self._of_addresses: dict[str, Decision] = {}  # on public routes
        self._digests: dict[str, str] = {}  # by the whole Cookie header

    def __len__(self) -> int:
        return len(self._of_callers) + len(self._of_addresses)

    def get(self, call: Call, now: float) -> Decision | None:
        """The decision about a call that may pass, None where the pipeline has to decide.

        `now` is of the monotonic clock, seconds. Counts the call; may raise `Throttled`.
        """
        if call.path == _WAY_IN:
            return None
        route = call.route
        access = route.access
        if access is _PUBLIC:
            return self._public(call, now)
        key = self._key(call) if access is _REQUIRED else None
        decision = None if key is None else self._of_callers.get(key)
        if decision is None or not decision.holds(now):
            return None
        caller, session = decision.caller, decision.session
        if caller is None or session is None:
            return None
        verdict = decision.policy.verdict(decision.role, call.method, call.path, route)
        if not verdict.allowed or verdict.audited:
            return None
        if call.method not in _CSRF_EXEMPT and self._csrf_protection:
            token = call.head.read.get("x-csrf-token", "")
            if not csrf_token_matches(token, session.value):
                return None
        if route.rate is not None:
            self._rate_limits.demand_room(route, call.address)
            self._rate_limits.take(route, caller.principal.uid)
        return decision

    def put(self, call: Call, caller: Caller | None, policy: CompiledPolicy, now: float) -> None:
        """Keeps that the pipeline let a call pass.

        `policy` was in force when the pipeline began. Where another one is in force now, nobody
        knows which of both decided.
        """
        if self._policy.get() is not policy or call.path == WAY_IN:
            return  # there a client may call that is kept out everywhere else
        if caller is None:
            if len(self._of_addresses) >= MAX_DECISIONS:
                self._of_addresses.clear()
            self._of_addresses[call.address_text] = Decision(policy, None, None)
            return
        key = self._key(call)
        session = None if key is None else self._sessions.entry(key[0])
        # Another session, or one that is gone, is not the one that the decision rests on.
        if key is None or session is None or session.value.principal is not caller.principal:
            return
        decisions = self._of_callers
        decisions.pop(key, None)  # so that it is the newest
        decisions[key] = Decision(policy, caller, session)
        while True:
            oldest = next(iter(decisions))
            if len(decisions) <= MAX_DECISIONS and decisions[oldest].holds(now):
                return
            del decisions[oldest]
            if not decisions:
                return

    def _public(self, call: Call, now: float) -> Decision | None:
        decision = self._of_addresses.get(call.address_text)
        if decision is None or not decision.holds(now):
            return None
        if call.route.rate is not None:
            self._rate_limits.take(call.route, call.address)
        return decision

    def _key(self, call: Call) -> _Key | None:
        """What decides who calls; None for credentials whose decisions are not kept."""
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
        """The key of the session of a Cookie header, empty unless it has one session cookie."""
        found = cookie_values((cookies,), self._cookie_name)
        digest = session_key(found[0]) if len(found) == 1 else ""
        if len(cookies) <= _LONGEST_COOKIES:
            if len(self._digests) >= _MOST_COOKIES:
                self._digests.clear()
            self._digests[cookies] = digest
        return digest
