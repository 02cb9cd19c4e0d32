"""The very same call as before is decided alike, as long as nothing has changed that had a say.

What a decision is made of is the call, the policy and, for a cookie, its session; the rest follows
from these three. Who polls is decided about once for each of them, and only looked up after that.
Calls with other credentials, and calls that are audited, are decided about each time.
"""

import time
from collections.abc import Callable
from typing import Protocol

from authz_gateway.api_keys.rules import is_signed
from authz_gateway.call import Call
from authz_gateway.decision import Caller, PolicyInForce
from authz_gateway.expiring import Entry
from authz_gateway.policy.compiled import CompiledPolicy
from authz_gateway.rate_limits import RateLimits
from authz_gateway.sessions.cookie import session_cookie
from shared.contracts.sessions import ResolvedSession


class HeldSessions(Protocol):
    """Sessions that are held in memory."""

    def entry(self, cookie: str) -> Entry[ResolvedSession] | None:
        """The session of a cookie as it is held, and for how long; None when it is not."""
        ...


class Memory:
    """A decision that let a call pass, and what it was made of."""

    __slots__ = ("caller", "policy", "session")

    def __init__(
        self,
        policy: CompiledPolicy,
        caller: Caller | None,
        session: Entry[ResolvedSession] | None,
    ) -> None:
        self.policy = policy
        self.caller = caller
        self.session = session


class Remembered:
    """Remembers decisions, and tells whether they still hold; `clock` is that of the sessions."""

    def __init__(
        self,
        sessions: HeldSessions,
        policy: PolicyInForce,
        rate_limits: RateLimits,
        cookie_name: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sessions = sessions
        self._policy = policy
        self._rate_limits = rate_limits
        self._cookie_name = cookie_name
        self._clock = clock

    @property
    def policy(self) -> CompiledPolicy:
        """The policy as it is now; raises `Unavailable` before the first was loaded."""
        return self._policy.get()

    def memory(self, call: Call, caller: Caller | None, policy: CompiledPolicy) -> Memory | None:
        """What is to be remembered of a call that was let pass just now, if anything.

        `policy` is that from before the decision, which may have been made of a newer one.
        """
        if self.policy is not policy:
            return None
        if caller is None:
            return Memory(policy, None, None)
        if is_signed(call.headers) or "Authorization" in call.headers:
            return None
        session = self._sessions.entry(session_cookie(call.headers, self._cookie_name))
        # Another one, or one that is gone, is not the one that the decision was made of.
        if session is None or session.value.principal is not caller.principal:
            return None
        if policy.decide(caller.principal.role, call.method, call.path).audited:
            return None
        return Memory(policy, caller, session)

    def holds(self, memory: Memory, call: Call) -> bool:
        """Whether the call may pass again; counts it, and may raise `Throttled`."""
        if self._policy.get() is not memory.policy:
            return False
        if memory.session is not None and self._clock() >= memory.session.expires:
            return False
        if call.route.rate is not None:
            if memory.caller is not None:
                self._rate_limits.demand_room(call.route, call.address)
                self._rate_limits.take(call.route, memory.caller.principal.uid)
            else:
                self._rate_limits.take(call.route, call.address)
        return True
