"""The headers that describe one page of a list."""

from collections.abc import Mapping
from typing import Any

from shared.web.pagination import PageHeaders

PAGING: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "Page": ({"type": "integer"}, "Which page this is, counted from 1."),
    "Per-Page": ({"type": "integer"}, "How many records a page holds."),
    "Total": ({"type": "integer"}, "How many records there are."),
    "Link": (
        {"type": "string"},
        "Where the first, previous, next and last page are (RFC 8288).",
    ),
    "Next-Cursor": ({"type": "string"}, "The `cursor` with which the list goes on."),
    "Total-Relation": (
        {"type": "string", "enum": ["gt"]},
        "There are more records than `Total` says.",
    ),
}
"""Schema and description, by name."""


def header_objects(headers: PageHeaders) -> dict[str, Any]:
    """OpenAPI's header objects, by name."""
    return {
        name: {"description": description, "required": name in headers.always, "schema": schema}
        for name, (schema, description) in PAGING.items()
        if name in (*headers.always, *headers.sometimes)
    }
