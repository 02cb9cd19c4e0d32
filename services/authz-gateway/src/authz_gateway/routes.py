"""Every URL of the gateway; what lies behind the last one, the routes file says."""

from typing import Final

from authz_gateway import handlers
from authz_gateway.api_document.files import DOCUMENT_PATH, PAGE_PATH
from authz_gateway.handlers import Destination, Gateway, Handler
from authz_gateway.http.dispatcher import Operation
from authz_gateway.http.request import Request
from authz_gateway.http.responses import Answer
from authz_gateway.routing.path import target
from authz_gateway.routing.route_table import DECISION_PATH
from shared.errors import Malformed
from shared.web.access_log import UNKNOWN_ROUTE

PUBLIC: tuple[tuple[str, str, Handler], ...] = (
    (DECISION_PATH, f"{DECISION_PATH}/{{path}}", handlers.decide_only),
    (DOCUMENT_PATH, DOCUMENT_PATH, handlers.show_document),
    (PAGE_PATH, PAGE_PATH, handlers.show_document),
    ("", UNKNOWN_ROUTE, handlers.forward),
)
"""Prefix, route for log and metrics until more is known, handler; the first that fits."""

_MAX_CACHED_PATHS: Final = 4096
"""Whose destination is kept; a path has 2 KB at most."""


class Operations:
    """Says what requests ask for. What follows from a path alone is found out once."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._cache: dict[str, Destination] = {}

    def of(self, request: Request) -> Operation | Answer:
        """What a request asks for, or the answer; raises `Malformed` for an ambiguous target."""
        path, _, query = request.head.target.partition("?")
        destination = self._cache.get(path)
        if destination is None:
            destination = self._destination(path)
        if "#" in query:  # it would start a fragment; a request line has no other bad character
            raise Malformed
        request.route = destination.label
        return destination.handler(self._gateway, request, destination, query)

    def _destination(self, raw: str) -> Destination:
        aim = target(raw)
        path = aim.path
        _, label, handler = next(
            url for url in PUBLIC if path.startswith(url[0]) and _is_segment_end(path, len(url[0]))
        )
        if len(self._cache) >= _MAX_CACHED_PATHS:
            self._cache.clear()
        destination = Destination(
            path, label, handler, self._gateway.routes.match(path, "GET"), aim.raw
        )
        self._cache[raw] = destination
        return destination


def _is_segment_end(path: str, index: int) -> bool:
    """Whether a segment ends there."""
    return path[index : index + 1] in ("", "/")
