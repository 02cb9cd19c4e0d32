"""Plans, decides, and responds: the way of every request."""

from collections.abc import Callable

from authz_gateway.decision import Caller
from authz_gateway.decisions import Decisions
from authz_gateway.plan import Plan
from authz_gateway.routing.table import Access
from authz_gateway.server.answers import Answer
from authz_gateway.server.front import told
from authz_gateway.server.request import Request
from shared.errors import Refusal


class Answering:
    """What the front hands requests to; `plan` makes plans, or answers at once."""

    def __init__(self, plan: Callable[[Request], Plan | Answer], decisions: Decisions) -> None:
        self._plan = plan
        self._decisions = decisions

    async def __call__(self, request: Request) -> Answer | None:
        """The answer, or None when somebody else gives it; raises `Refusal`."""
        derived = request.head.derived
        plan: Plan | None = derived.get(Plan)
        again = plan is not None
        if plan is None:
            made = self._plan(request)
            if isinstance(made, Answer):
                return made
            plan = derived[Plan] = made
        try:
            caller = await self._decisions.about(plan, again=again)
            return _respond(request, plan, caller)
        except Refusal as refusal:
            return _refuse(request, plan, refusal)

    def again(self, request: Request) -> bool:
        """Answers, or has answered, what was answered before in the same way.

        False where it has to be decided about anew.
        """
        plan: Plan | None = request.head.derived.get(Plan)
        if plan is None or plan.memory is None:
            return False
        request.address = plan.call.address
        try:
            if not self._decisions.same_as_before(plan):
                return False
            answer = _respond(request, plan, plan.memory.caller)
        except Refusal as refusal:
            answer = _refuse(request, plan, refusal)
        request.connection.answered(answer)
        return True


def _respond(request: Request, plan: Plan, caller: Caller | None) -> Answer | None:
    request.route = plan.route
    if caller is not None:
        request.uid = caller.principal.uid
    request.private = plan.call.route.access is not Access.PUBLIC
    return plan.respond(request, caller)


def _refuse(request: Request, plan: Plan, refusal: Refusal) -> Answer:
    request.route = plan.route
    request.private = plan.call.route.access is not Access.PUBLIC
    answer = told(request, refusal)
    return answer._replace(lines=(*answer.lines, *plan.explain(refusal)))
