"""Who calls with the same headers again is the same caller, as long as nothing has changed.

Who a caller is follows from his headers, his address, the policy and, where a cookie brings it, his
session; all but the path is the same in most calls of a connection. So it is decided once who he
is, and only his permission for another call is looked at after that, in the same compiled policy,
until that is swapped or the session is dropped or expires. Calls with other credentials, and calls
that are audited, are decided about each time.
"""

from typing import Protocol

from authz_gateway.authn.api_keys import is_signed
from authz_gateway.authn.lookup_cache import Entry
from authz_gateway.authn.sessions import CSRF_EXEMPT, session_cookies
from authz_gateway.authz.call import Call
from authz_gateway.authz.pipeline import WAY_IN, Caller, PolicyInForce
from authz_gateway.authz.policy import CompiledPolicy
from authz_gateway.authz.rate_limits import RateLimits
from shared.contracts.sessions import ResolvedSession
from shared.web.principal import presents_bearer


class HeldSessions(Protocol):
    """Sessions that are held in memory."""

    def entry(self, cookie: str) -> Entry[ResolvedSession] | None:
        """The session of a cookie as it is held, and for how long; None when it is not."""
        ...


class Memory:
    """Who a caller is, None for whoever takes public routes, and what that was concluded from.

    `allowed`: a call that this caller may make by this policy, and that is not audited.
    """

    __slots__ = ("allowed", "caller", "policy", "session")

    def __init__(
        self,
        policy: CompiledPolicy,
        caller: Caller | None,
        session: Entry[ResolvedSession] | None,
    ) -> None:
        self.policy = policy
        self.caller = caller
        self.session = session
        self.allowed: Call | None = None


class Remembered:
    """Remembers decisions, and tells whether they still hold."""

    def __init__(
        self,
        sessions: HeldSessions,
        policy: PolicyInForce,
        rate_limits: RateLimits,
        cookie_name: str,
    ) -> None:
        self._sessions = sessions
        self._policy = policy
        self._rate_limits = rate_limits
        self._cookie_name = cookie_name

    @property
    def policy(self) -> CompiledPolicy:
        """The policy as it is now; raises `Unavailable` before the first was loaded."""
        return self._policy.get()

    def memory(self, call: Call, caller: Caller | None, policy: CompiledPolicy) -> Memory | None:
        """What is to be remembered of a call that was let pass just now, if anything.

        `policy` is that from before the decision, which may have been made of a newer one.
        """
        if self.policy is not policy or call.path == WAY_IN:
            return None  # that is where an address may call from that is kept out elsewhere
        if caller is None:
            return Memory(policy, None, None)
        if is_signed(call.headers) or presents_bearer(call.headers):
            return None
        for cookie in session_cookies(call.headers, self._cookie_name):
            session = self._sessions.entry(cookie)
            # Another one, or one that is gone, is not the one that the decision was made of.
            if session is not None and session.value.principal is caller.principal:
                return Memory(policy, caller, session)
        return None

    def holds(self, memory: Memory, call: Call, now: float) -> bool:
        """Whether a call of the same kind, with the same headers, may pass.

        `now` is of the monotonic clock. Counts the call, and may raise `Throttled`. False where it
        has to be decided about.
        """
        policy, caller, session = memory.policy, memory.caller, memory.session
        if policy.superseded:
            return False
        if caller is None or session is None:
            if call.route.rate is not None:
                self._rate_limits.take(call.route, call.address)
            return True
        if now >= session.expires:
            return False
        if call is not memory.allowed:
            verdict = policy.verdict(caller.principal.role, call.method, call.path, call.route)
            if not verdict.allowed or verdict.audited:
                return False
            memory.allowed = call
        if call.route.rate is not None:
            self._rate_limits.demand_room(call.route, call.address)
            self._rate_limits.take(call.route, caller.principal.uid)
        return True


def kind_of(call: Call) -> str:
    """Calls of one kind ask the same of a caller, permissions aside."""
    access = call.route.access
    return access if call.method in CSRF_EXEMPT else f"{access} with a CSRF token"
