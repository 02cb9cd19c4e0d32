"""Decisions, counted by their reason."""

from prometheus_client import CollectorRegistry

from authz_gateway.decision import Caller, Decide
from authz_gateway.http1.headers import Headers
from authz_gateway.plan import Plan
from authz_gateway.remembered import Memory, Remembered
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

    def remembered(self, plan: Plan, headers: Headers) -> Memory | None:
        """Who is calling, where that is known and he may pass; may raise `Throttled`."""
        memory: Memory | None = headers.derived.get(plan.kind)
        try:
            if memory is None or not self._remembered.holds(memory, plan.call):
                return None
        except Refusal as refusal:
            self._refused(refusal)
            raise
        (self._public if memory.caller is None else self._allowed).total += 1
        return memory

    def _refused(self, refusal: Refusal) -> None:
        self._counts[refusal.codes[:1]].total += 1
