"""Plans, decides, and responds: the way of every request."""

from collections.abc import Callable
from functools import partial

from authz_gateway.decision import Caller
from authz_gateway.decisions import Decisions, Repeat
from authz_gateway.plan import Plan
from authz_gateway.server.answers import Answer
from authz_gateway.server.front import told
from authz_gateway.server.request import Request
from shared.errors import Refusal


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
