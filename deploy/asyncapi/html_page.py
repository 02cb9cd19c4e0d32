"""The page of events that the gateway shows: plain HTML, without scripts."""

import dataclasses
import re
from collections.abc import Iterator
from html import escape
from typing import Any

from deploy.asyncapi.catalogue_page import records, type_of
from deploy.asyncapi.schemas import record_schema
from shared.contracts.catalogue import CATALOGUE, EventType
from shared.contracts.records import EventRecord
from shared.contracts.topology import EVENTS, legacy_route
from shared.messaging.cloud_events import SCHEMAS_PATH


def page() -> str:
    """The page; `${events.css}` stands for the path of its style sheet."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield from (
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "<title>Barong: events</title>",
        '<link rel="stylesheet" href="${events.css}">',
        "</head>",
        "<body>",
        "<main>",
        "<h1>Events</h1>",
        "<p>Everything that happens is an event, published at least once to RabbitMQ, as a JWS in",
        f"JSON serialization. Bind a durable queue of your own to <code>{EVENTS}</code> with the",
        "names of events as routing keys. The same in AsyncAPI 3:",
        '<a href="/api/v2/barong/asyncapi.json">asyncapi.json</a>. The calls of the API:',
        '<a href="/api/v2/barong/docs">docs</a>.</p>',
        "<nav><ul>",
    )
    for event in CATALOGUE.values():
        yield f'<li><a href="#{event.name}"><code>{event.name}</code></a></li>'
    yield "</ul></nav>"
    for event in CATALOGUE.values():
        yield from _event(event)
    yield "<h2>Records</h2>"
    for record in records():
        yield from _record(record)
    yield from ("</main>", "</body>", "</html>")


def _event(event: EventType[Any]) -> Iterator[str]:
    exchange, key = legacy_route(event.name)
    yield f'<section id="{event.name}">'
    yield f"<h2><code>{event.name}</code></h2>"
    yield f"<p>Sent when {_text(event.when)}.</p>"
    if event.sensitive:
        yield (
            "<p><strong>Sensitive:</strong> the record carries a secret. Whoever reads it can use "
            "it.</p>"
        )
    yield "<dl>"
    yield f"<dt>Owner</dt><dd>{event.owner}</dd>"
    yield f"<dt>Version</dt><dd>{event.version}</dd>"
    name = event.record.__name__
    changes = ", and <code>changes</code> with the old values" if event.has_changes else ""
    yield f'<dt>Record</dt><dd><a href="#{name.lower()}">{name}</a>{changes}</dd>'
    yield f"<dt>Direct exchange</dt><dd><code>{exchange}</code>, key <code>{key}</code></dd>"
    schema = event.schema_name
    yield f'<dt>JSON Schema</dt><dd><a href="{SCHEMAS_PATH}/{schema}">{schema}</a></dd>'
    yield "</dl>"
    yield "</section>"


def _record(record: type[EventRecord]) -> Iterator[str]:
    schema = record_schema(record)
    name = record.__name__
    omits = " Fields that have no value are left out." if record.omits_nulls else ""
    yield f'<section id="{name.lower()}">'
    yield f"<h3>{name}</h3>"
    yield f"<p>{_text(record.__doc__ or '')}{omits}</p>"
    yield "<table>"
    yield "<thead><tr><th>Field</th><th>Type</th><th>Meaning</th></tr></thead>"
    yield "<tbody>"
    for field in dataclasses.fields(record):
        meaning = _text(schema["properties"][field.name]["description"])
        kind = _text(type_of(field.name, schema))
        yield f"<tr><td><code>{field.name}</code></td><td>{kind}</td><td>{meaning}</td></tr>"
    yield "</tbody>"
    yield "</table>"
    yield "</section>"


def _text(markdown: str) -> str:
    """Code and links of a sentence as HTML; all else is escaped."""
    linked = re.sub(r"\[(\w+)\]\(#(\w+)\)", r'<a href="#\2">\1</a>', escape(markdown, quote=False))
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", linked)
