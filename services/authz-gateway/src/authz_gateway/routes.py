"""Every URL of the gateway; what lies behind the last one, the routes file says."""

from collections.abc import Callable
from functools import lru_cache

from authz_gateway import handlers
from authz_gateway.api_document.files import DOCUMENT_PATH, PAGE_PATH
from authz_gateway.handlers import Gateway
from authz_gateway.http.dispatcher import Plan
from authz_gateway.http.request import Request
from authz_gateway.http.responses import Answer
from authz_gateway.routing.path import Target, target
from authz_gateway.routing.route_table import DECISION_PATH
from shared.web.access_log import UNKNOWN_ROUTE

Handler = Callable[[Gateway, Request, Target], Plan | Answer]

PUBLIC: tuple[tuple[str, str, Handler], ...] = (
    (DECISION_PATH, f"{DECISION_PATH}/{{path}}", handlers.decide_only),
    (DOCUMENT_PATH, DOCUMENT_PATH, handlers.show_document),
    (PAGE_PATH, PAGE_PATH, handlers.show_document),
    ("", UNKNOWN_ROUTE, handlers.forward),
)
"""Prefix, route for log and metrics until more is known, handler; the first that fits."""


def planned(gateway: Gateway, request: Request) -> Plan | Answer:
    """What is to be done about a request; raises `Malformed` for an ambiguous target."""
    aim = target(request.head.target)
    _, request.route, handler = _url(aim.path)
    return handler(gateway, request, aim)


@lru_cache(maxsize=4096)
def _url(path: str) -> tuple[str, str, Handler]:
    return next(url for url in PUBLIC if path.startswith(url[0]) and _ends(path, len(url[0])))


def _ends(path: str, place: int) -> bool:
    """Whether a segment ends there."""
    return path[place : place + 1] in ("", "/")
