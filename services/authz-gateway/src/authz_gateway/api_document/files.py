"""The document and its page as answers, read once."""

from collections.abc import Mapping
from importlib.resources import files

from authz_gateway.http.responses import Answer
from authz_gateway.routing.route_table import Access, Route

DOCUMENT_PATH = "/api/v2/barong/openapi.json"
PAGE_PATH = "/api/v2/barong/docs"
ROUTE = Route(prefix=PAGE_PATH, access=Access.PUBLIC, methods=frozenset({"GET"}))
"""How they are decided about: restrictions have their say."""

_CACHED = "Cache-Control: public, max-age=300"
_INERT = (  # the page is styled, and does nothing
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def _answer(name: str, *lines: str) -> Answer:
    body = (files(__package__) / name).read_bytes()
    return Answer(200, (*lines, _CACHED), body)


ANSWERS: Mapping[str, Answer] = {
    DOCUMENT_PATH: _answer("openapi.json", "Content-Type: application/json"),
    PAGE_PATH: _answer("openapi.html", "Content-Type: text/html; charset=utf-8", _INERT),
}
"""By their canonical paths."""
