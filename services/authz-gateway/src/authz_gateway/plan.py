"""What is to be done about a request, as far as that follows from its head alone."""

from collections.abc import Callable

from authz_gateway.call import Call
from authz_gateway.decision import Caller
from authz_gateway.remembered import kind_of
from authz_gateway.routing.table import Access
from authz_gateway.server.answers import Answer
from authz_gateway.server.request import Request
from shared.errors import Refusal

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
