"""Compares a schema with the published one: what would break its readers."""

from collections.abc import Iterator
from typing import Any


def breaking_changes(published: Any, present: Any, place: str = "") -> Iterator[str]:
    """Lists changes that could break a reader of the published schema, one sentence each.

    A field may be added, and an optional field may become a required one. Everything else that says
    which values are possible has to stay the same. Descriptions may change.
    """
    for key in ("type", "enum", "const", "format"):
        if published.get(key) != present.get(key):
            yield f"{place or 'event'}: {key} was {published.get(key)}, is {present.get(key)}"
    if "items" in published and "items" in present:
        yield from breaking_changes(published["items"], present["items"], f"{place}[]")
    fields = present.get("properties", {})
    for name, schema in published.get("properties", {}).items():
        inner = f"{place}.{name}" if place else name
        if name not in fields:
            yield f"{inner}: removed"
        else:
            yield from breaking_changes(schema, fields[name], inner)
    for name in published.get("required", []):
        if name in fields and name not in present.get("required", []):
            yield f"{place}.{name}: may be missing now" if place else f"{name}: may be missing now"
