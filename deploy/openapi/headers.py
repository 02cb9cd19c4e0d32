"""The headers that describe one page of a list, and which lists have which of them."""

from collections.abc import Iterable, Mapping

from deploy.openapi.schemas import INTEGER, TEXT, Schema, one_of

Headers = Mapping[str, Schema]
"""OpenAPI's header objects, by name."""

PAGING: Mapping[str, tuple[Schema, str]] = {
    "Page": (INTEGER, "Which page this is, counted from 1."),
    "Per-Page": (INTEGER, "How many records a page holds."),
    "Total": (INTEGER, "How many records there are."),
    "Link": (TEXT, "Where the first, previous, next and last page are (RFC 8288)."),
    "Next-Cursor": (TEXT, "The `cursor` with which the list goes on."),
    "Total-Relation": (one_of("gt"), "There are more records than `Total` says."),
}


def _headers(*, always: Iterable[str] = (), sometimes: Iterable[str] = ()) -> Headers:
    required = dict.fromkeys(always, True) | dict.fromkeys(sometimes, False)
    return {
        name: {"description": description, "required": required[name], "schema": schema}
        for name, (schema, description) in PAGING.items()
        if name in required
    }


BY_PAGE = _headers(always=("Page", "Per-Page", "Total"), sometimes=("Link",))
BY_PAGE_UNCOUNTED = _headers(
    always=("Page", "Per-Page", "Total"), sometimes=("Link", "Total-Relation")
)
"""A long list is counted only so far."""
BY_CURSOR_TOO = _headers(
    always=("Per-Page", "Total"), sometimes=("Page", "Link", "Next-Cursor", "Total-Relation")
)
"""An answer to a cursor does not say which page it is."""
AS_FILE_TOO = _headers(sometimes=PAGING)
"""A file has none of them, and who goes on by cursor is told neither page nor total."""
