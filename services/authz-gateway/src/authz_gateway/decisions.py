"""Decisions, counted by their reason."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry

from authz_gateway.call import Call
from authz_gateway.decision import Caller, Decide
from authz_gateway.http1.headers import Headers
from authz_gateway.plan import Plan
from authz_gateway.remembered import Memory, Remembered
from authz_gateway.server.request import Request
from shared.errors import Refusal
from shared.web.tallies import Counts


class Decisions:
    """Decides about planned calls."""

    def __init__(self, decide: Decide, remembered: Remembered, registry: CollectorRegistry) -> None:
        self._decide = decide
        self._remembered = remembered
        self._counts = Counts("gateway_decisions", "Calls decided about.", ("reason",), registry).of
        self._public = self._counts[("public",)]
        self._allowed = self._counts[("allowed",)]

    async def about(self, plan: Plan, headers: Headers) -> Caller | None:
        """The caller of a call that may pass; raises the `Refusal` that the client is told."""
        try:
            policy = self._remembered.policy
            caller = await self._decide(plan.call)
        except Refusal as refusal:
            self._refused(refusal)
            raise
        derived = headers.derived
        if plan.kind in derived:  # who comes a second time is worth remembering
            derived[plan.kind] = self._remembered.memory(plan.call, caller, policy)
        else:
            derived[plan.kind] = None
        (self._public if caller is None else self._allowed).total += 1
        return caller

    def remembered(self, plan: Plan, headers: Headers, now: float) -> Memory | None:
        """Who is calling, where that is known and he may pass; may raise `Throttled`.

        `now` is of the monotonic clock.
        """
        memory: Memory | None = headers.derived.get(plan.kind)
        return memory if memory is not None and self.hold(memory, plan.call, now) else None

    def hold(self, memory: Memory, call: Call, now: float) -> bool:
        """Whether a call may pass as the one that is remembered did; may raise `Throttled`."""
        try:
            if not self._remembered.holds(memory, call, now):
                return False
        except Refusal as refusal:
            self._refused(refusal)
            raise
        (self._public if memory.caller is None else self._allowed).total += 1
        return True

    def _refused(self, refusal: Refusal) -> None:
        self._counts[refusal.codes[:1]].total += 1


class Repeat:
    """What is done when the same bytes come again on the same connection.

    All that follows from them alone was found out before; what may have changed is asked each time.
    Has the request answered by `again`, or by `tell` why it may not pass any more.
    """

    __slots__ = ("_again", "_call", "_decisions", "_memory", "_request", "_tell")

    def __init__(
        self,
        decisions: Decisions,
        request: Request,
        call: Call,
        memory: Memory,
        again: Callable[[], None],
        tell: Callable[[Refusal], None],
    ) -> None:
        self._decisions = decisions
        self._request = request
        self._call = call
        self._memory = memory
        self._again = again
        self._tell = tell

    def __call__(self) -> bool:
        """Does it; False where it has to be decided about."""
        request = self._request
        request.renew()
        try:
            if not self._decisions.hold(self._memory, self._call, request.began):
                return False
        except Refusal as refusal:
            self._tell(refusal)
        else:
            self._again()
        return True
