"""Handles every request: finds its operation, has the call decided, and responds."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final, Protocol

import structlog
from prometheus_client import CollectorRegistry

from authz_gateway.authn.call import Call, Caller
from authz_gateway.authz.decision_cache import DecisionCache, PolicyInForce
from authz_gateway.authz.rate_limits import UNDECIDED, RateLimits
from authz_gateway.http.refusal_pages import as_page
from authz_gateway.http.request import Request
from authz_gateway.http.responses import Answer, error_answer, refusal_answer
from authz_gateway.routing.route_table import Access
from shared.errors import Refusal, Throttled, Unavailable
from shared.web.tallies import Counts

log = structlog.get_logger()

_INTERNAL_ERROR: Final = "server.internal_error"
_PUBLIC: Final = Access.PUBLIC


class Operation(ABC):
    """What a request asks for; it is carried out once the call is allowed.

    `route` is the label in log and metrics. `private`: no cache may store the answer.
    """

    __slots__ = ("call", "private", "route")

    def __init__(self, route: str, call: Call) -> None:
        self.route = route
        self.call = call
        self.private = call.route.access is not _PUBLIC

    @abstractmethod
    def respond(self, request: Request, caller: Caller | None) -> Answer | None:
        """The answer to an allowed call, None when an upstream answers; raises `Refusal`."""

    def refusal_lines(self, refusal: Refusal) -> tuple[str, ...]:
        """Header lines that are added to the answer of a refused call."""
        return ()


class Pipeline(Protocol):
    """Authenticates and authorizes calls."""

    async def __call__(self, call: Call) -> Caller | None:
        """The caller of an allowed call, None on a public route; raises the client's `Refusal`."""
        ...


class Dispatcher:
    """Answers requests.

    A call that the decision cache knows is handled at once. Every other call is decided in a task
    of its own.
    """

    def __init__(
        self,
        operation: Callable[[Request], Operation | Answer],
        pipeline: Pipeline,
        decisions: DecisionCache,
        policy: PolicyInForce,
        rate_limits: RateLimits,
        registry: CollectorRegistry,
    ) -> None:
        """`operation` returns what a request asks for, or an answer that needs no decision."""
        self._operation = operation
        self._pipeline = pipeline
        self._decisions = decisions
        self._policy = policy
        self._rate_limits = rate_limits
        self._counts = Counts("gateway_decisions", "Calls decided about.", ("reason",), registry).of
        self._public = self._counts[("public",)]
        self._allowed = self._counts[("allowed",)]
        self._tasks: set[asyncio.Task[None]] = set()

    def dispatch(self, request: Request) -> None:
        """Answers a request, now or in a task; raises nothing."""
        connection = request.connection
        try:
            operation = self._operation_of(request)
            if isinstance(operation, Answer):
                connection.answer(operation)
                return
            request.route = operation.route
            request.private = operation.private
            try:
                decision = self._decisions.get(operation.call, request.began)
            except Refusal as refusal:
                self._count(refusal)
                connection.answer(self._refuse(request, operation, refusal))
                return
            if decision is not None:
                self._respond(request, operation, decision.caller)
                return
        except Exception:
            log.exception("unforeseen_error", request_id=request.id)
            connection.answer(_internal_error(request))
            return
        task = asyncio.get_running_loop().create_task(self._decide(request, operation))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def wait_for_tasks(self, seconds: float) -> None:
        """Returns when all tasks have ended, or after `seconds`."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    def _operation_of(self, request: Request) -> Operation | Answer:
        """What a request asks for, or the answer where no decision follows, which has a rate."""
        try:
            operation = self._operation(request)
        except Refusal as refusal:
            operation = _refusal(request, refusal)
        if isinstance(operation, Answer):
            try:
                self._rate_limits.take(UNDECIDED, request.address)
            except Throttled as refusal:
                return _refusal(request, refusal)
        return operation

    async def _decide(self, request: Request, operation: Operation) -> None:
        structlog.contextvars.bind_contextvars(request_id=request.id)
        call = operation.call
        try:
            try:
                policy = self._policy.get()
                caller = await self._pipeline(call)
            except Refusal as refusal:
                self._count(refusal)
                request.connection.answer(self._refuse(request, operation, refusal))
                return
            self._decisions.put(call, caller, policy, request.began)
            self._respond(request, operation, caller)
        except Exception:
            log.exception("unforeseen_error")
            answer = _internal_error(request)
            request.connection.answer(as_page(request, answer) if call.route.page else answer)

    def _respond(self, request: Request, operation: Operation, caller: Caller | None) -> None:
        if caller is None:
            self._public.total += 1
        else:
            self._allowed.total += 1
            request.uid = caller.principal.uid
        try:
            answer = operation.respond(request, caller)
        except Refusal as refusal:
            answer = self._refuse(request, operation, refusal)
        if answer is not None:
            request.connection.answer(answer)

    def _count(self, refusal: Refusal) -> None:
        self._counts[refusal.codes[:1]].total += 1

    def _refuse(self, request: Request, operation: Operation, refusal: Refusal) -> Answer:
        answer = _refusal(request, refusal)
        answer = answer._replace(lines=(*answer.lines, *operation.refusal_lines(refusal)))
        return as_page(request, answer) if operation.call.route.page else answer


def _refusal(request: Request, refusal: Refusal) -> Answer:
    """The answer for a refusal, whose codes are also logged."""
    request.reason = ",".join(refusal.codes)
    if isinstance(refusal, Unavailable):
        log.warning("dependency_unavailable", dependency=refusal.dependency, request_id=request.id)
    return refusal_answer(refusal)


def _internal_error(request: Request) -> Answer:
    request.reason = _INTERNAL_ERROR
    return error_answer(500, (_INTERNAL_ERROR,))
