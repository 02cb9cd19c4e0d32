"""docs/subscribers/events.md: the catalogue of events for people."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from deploy.asyncapi.schemas import record_schema
from shared.contracts.catalogue import CATALOGUE, EventType
from shared.contracts.records import EventRecord, NestedUser


def page() -> str:
    """The page as Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield from (
        "# Catalogue of events",
        "",
        "`make event-catalogue` writes this page from the code. What a message is, and how to",
        "subscribe, stands in [For subscribers](README.md).",
        "",
        "**Sensitive** events carry a secret: whoever reads the queue can use it.",
        "",
        "| Event | Sent when | Owner | Version | Record |",
        "|---|---|---|---|---|",
    )
    for event in CATALOGUE.values():
        yield _row(event)
    for record in records():
        yield from _record(record)


def records() -> list[type[EventRecord]]:
    """Every kind of record once, users within others first."""
    found: list[type[EventRecord]] = [NestedUser]
    found.extend(event.record for event in CATALOGUE.values())
    return list(dict.fromkeys(found))


def _row(event: EventType[Any]) -> str:
    sensitive = " **Sensitive.**" if event.sensitive else ""
    link = f"[{event.record.__name__}](#{event.record.__name__.lower()})"
    return (
        f"| `{event.name}` | {event.when}.{sensitive} | {event.owner} | {event.version} | {link} |"
    )


def _record(record: type[EventRecord]) -> Iterator[str]:
    schema = record_schema(record)
    yield from ("", f"## {record.__name__}", "", record.__doc__ or "")
    if record.omits_nulls:
        yield "Fields that have no value are left out."
    yield from ("", "| Field | Type | Meaning |", "|---|---|---|")
    for field in dataclasses.fields(record):
        part = schema["properties"][field.name]
        yield f"| `{field.name}` | {type_of(field.name, schema)} | {part['description']} |"


def type_of(name: str, schema: dict[str, Any]) -> str:
    """What a field of a record may be, in a few words of Markdown."""
    part = schema["properties"][name]
    if part["type"] == "object":
        return f"[{NestedUser.__name__}](#{NestedUser.__name__.lower()})"
    kinds = part["type"] if isinstance(part["type"], list) else [part["type"]]
    shown = [str(part.get("format", kind)) if kind == "string" else kind for kind in kinds]
    if values := part.get("enum"):
        shown = [f"`{value}`" for value in values]
    if name not in schema["required"]:
        shown.append("absent")
    return ", ".join(shown)
