"""Every URL of the gateway; the routes file has the paths behind the last one."""

from typing import Final

from authz_gateway import handlers
from authz_gateway.api_document.files import DOCUMENT_PATH, EVENTS_DOCUMENT_PATH, PAGE_PATH
from authz_gateway.authz.dispatcher import Operation
from authz_gateway.authz.protected_resources import METADATA_PATH
from authz_gateway.handlers import Destination, Gateway, Handler
from authz_gateway.http.request import Request
from authz_gateway.http.responses import Answer
from authz_gateway.routing.path import target
from authz_gateway.routing.route_table import DECISION_PATH
from shared.errors import Malformed
from shared.web.access_log import UNKNOWN_ROUTE

PUBLIC: tuple[tuple[str, str, Handler], ...] = (
    (DECISION_PATH, f"{DECISION_PATH}/{{path}}", handlers.forward_auth),
    (DOCUMENT_PATH, DOCUMENT_PATH, handlers.show_document),
    (EVENTS_DOCUMENT_PATH, EVENTS_DOCUMENT_PATH, handlers.show_document),
    (PAGE_PATH, PAGE_PATH, handlers.show_document),
    (METADATA_PATH, METADATA_PATH, handlers.show_resource),
    ("", UNKNOWN_ROUTE, handlers.forward),
)
"""Prefix, label for log and metrics, handler. The first matching prefix wins."""

_MAX_CACHED_PATHS: Final = 4096
"""A path has 2 KB at most."""


class Operations:
    """Finds the operation of a request; what follows from the path alone is cached."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._cache: dict[str, Destination] = {}

    def of(self, request: Request) -> Operation | Answer:
        """The operation of a request, or an answer; raises `Malformed` for an invalid target."""
        path, _, query = request.head.target.partition("?")
        destination = self._cache.get(path)
        if destination is None:
            destination = self._destination(path)
        if "#" in query:  # it would start a fragment; the parser refuses all other bad characters
            raise Malformed
        request.route = destination.label
        return destination.handler(self._gateway, request, destination, query)

    def _destination(self, raw: str) -> Destination:
        found = target(raw)
        path = found.path
        _, label, handler = next(
            url for url in PUBLIC if path.startswith(url[0]) and _is_segment_end(path, len(url[0]))
        )
        if len(self._cache) >= _MAX_CACHED_PATHS:
            self._cache.clear()
        destination = Destination(
            path, label, handler, self._gateway.routes.match(path, "GET"), found.raw
        )
        self._cache[raw] = destination
        return destination


def _is_segment_end(path: str, index: int) -> bool:
    """Whether a path segment ends at `index`."""
    return path[index : index + 1] in ("", "/")
