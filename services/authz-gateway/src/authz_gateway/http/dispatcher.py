"""Plans a request, decides about it, and responds: the way of every request."""

from collections.abc import Callable
from functools import partial

from prometheus_client import CollectorRegistry

from authz_gateway.authz.call import Call
from authz_gateway.authz.decision_cache import Memory, Remembered, kind_of
from authz_gateway.authz.pipeline import Caller, Decide
from authz_gateway.http.headers import Headers
from authz_gateway.http.request import Request
from authz_gateway.http.responses import Answer
from authz_gateway.http.server import told
from authz_gateway.routing.route_table import Access
from shared.errors import Refusal
from shared.web.tallies import Counts

Respond = Callable[[Request, Caller | None], Answer | None]
"""Answers a request that may pass, or has it answered and returns None; raises `Refusal`."""


def no_lines(_refusal: Refusal) -> tuple[str, ...]:
    """Nothing but the usual."""
    return ()


class Plan:
    """`route` is for log and metrics, `explain` adds header lines to a refusal.

    `kind` is that of the call, by which its caller is remembered.
    """

    __slots__ = ("call", "explain", "kind", "private", "respond", "route")

    def __init__(
        self,
        route: str,
        call: Call,
        respond: Respond,
        explain: Callable[[Refusal], tuple[str, ...]] = no_lines,
    ) -> None:
        self.route = route
        self.call = call
        self.respond = respond
        self.explain = explain
        self.kind = kind_of(call)
        self.private = call.route.access is not Access.PUBLIC


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


class Answering:
    """What the front hands requests to; `plan` makes plans, or answers at once."""

    def __init__(self, plan: Callable[[Request], Plan | Answer], decisions: Decisions) -> None:
        self._plan = plan
        self._decisions = decisions

    def at_once(self, request: Request) -> bool:
        """See `Handler`."""
        derived = request.head.derived
        plan: Plan | Answer | None = derived.get(Plan)
        repeated = plan is not None
        if plan is None:
            try:
                plan = derived[Plan] = self._plan(request)
            except Refusal as refusal:
                plan = told(request, refusal)
        if isinstance(plan, Answer):
            request.connection.answer(plan)
            return True
        request.route = plan.route
        request.private = plan.private
        try:
            memory = self._decisions.remembered(plan, request.head.headers, request.began)
            if memory is None:
                return False
            answer = _respond(request, plan, memory.caller)
        except Refusal as refusal:
            request.connection.answer(_refuse(request, plan, refusal))
            return True
        if answer is not None:
            request.connection.answer(answer)
        elif repeated:
            flow = request.connection.flow
            again = None if flow is None else flow.again()
            if again is not None:
                tell = partial(_tell, request, plan)
                request.connection.repeat = Repeat(
                    self._decisions, request, plan.call, memory, again, tell
                )
        return True

    async def __call__(self, request: Request) -> Answer | None:
        """See `Handler`."""
        plan: Plan = request.head.derived[Plan]
        try:
            caller = await self._decisions.about(plan, request.head.headers)
            return _respond(request, plan, caller)
        except Refusal as refusal:
            return _refuse(request, plan, refusal)


def _respond(request: Request, plan: Plan, caller: Caller | None) -> Answer | None:
    if caller is not None:
        request.uid = caller.principal.uid
    return plan.respond(request, caller)


def _tell(request: Request, plan: Plan, refusal: Refusal) -> None:
    request.connection.answer(_refuse(request, plan, refusal))


def _refuse(request: Request, plan: Plan, refusal: Refusal) -> Answer:
    answer = told(request, refusal)
    return answer._replace(lines=(*answer.lines, *plan.explain(refusal)))
