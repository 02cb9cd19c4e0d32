"""CloudEvents 1.0 attributes of events, as AMQP headers in binary mode.

Brokers' and clouds' tools route and filter by them. The body stays what it is.
"""

from datetime import UTC, datetime

from shared.contracts.catalogue import CATALOGUE
from shared.contracts.events import Event, subject_of

SCHEMAS_PATH = "/api/v2/barong/docs/events"
"""Where the gateway shows the JSON Schemas of events."""

_PREFIX = "cloudEvents:"


def headers(event: Event, public_url: str) -> dict[str, str]:
    """The attributes of an event that is published now; `public_url` is the gateway's address.

    `datacontenttype` is the message's content type. `subject` is the uid of the user whom the
    event is about, if there is one. Headers are not signed: who must trust them opens the event.
    Beside the attributes there is the `traceparent` of an event whose trace is recorded, under the
    name by which OpenTelemetry's libraries find it.
    """
    kind = CATALOGUE.get(event.name)
    attributes = {
        "specversion": "1.0",
        "id": str(event.id),
        "source": f"/barong/{kind.owner if kind else 'unknown'}",
        "type": event.name,
        "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    if uid := subject_of(event.record):
        attributes["subject"] = uid
    if kind:
        attributes["dataschema"] = f"{public_url}{SCHEMAS_PATH}/{kind.schema_name}"
    named = {_PREFIX + name: value for name, value in attributes.items()}
    return named if event.traceparent is None else {**named, "traceparent": event.traceparent}
