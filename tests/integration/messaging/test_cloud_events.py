"""The CloudEvents SDK for Python reads the headers of messages, on every exchange."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aio_pika.abc import AbstractIncomingMessage
from cloudevents.core.bindings.amqp import AMQPMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from shared.contracts.events import Event
from shared.contracts.topology import EVENTS
from shared.database.pool import Database
from tests.support.messaging import PUBLIC_URL, a_relay, add, an_event, tapped
from tests.support.supervision import supervised

USER = {"uid": "ID045180E628"}


def read(message: AbstractIncomingMessage) -> CloudEvent:
    """The message as the SDK has it; raises what it raises for a bad attribute."""
    properties: dict[str, Any] = dict(message.headers)
    content_type = {"content-type": message.content_type}
    found = from_binary(
        AMQPMessage(content_type, properties, message.body), JSONFormat(), CloudEvent
    )
    assert isinstance(found, CloudEvent)
    return found


@pytest.mark.parametrize(
    ("event", "exchange", "source", "subject"),
    [
        (an_event(record=USER), "model", "/barong/identity-svc", USER["uid"]),
        (
            an_event(name="system.session.create", record={"user": USER}),
            *("system", "/barong/identity-svc", USER["uid"]),
        ),
        (
            an_event(name="model.label.created", record={"id": 1, "user": USER}),
            *("model", "/barong/resource-svc", USER["uid"]),
        ),
        (
            an_event(name="model.permission.created", record={"id": 1}),
            *("model", "/barong/admin-svc", None),
        ),
    ],
)
async def test_the_sdk_reads_every_attribute(
    schema: Database, broker: str, event: Event, exchange: str, source: str, subject: str | None
) -> None:
    async with tapped(broker) as tap, supervised("relay", a_relay(schema, broker).run):
        await add(schema, event)
        await tap.hears(1)

    [message] = [message for on, _, message in tap.heard if on == EVENTS]
    found = read(message)
    assert found.get_specversion() == "1.0"
    assert found.get_id() == str(event.id)
    assert found.get_type() == event.name
    assert found.get_source() == source
    assert found.get_subject() == subject
    assert found.get_datacontenttype() == "application/jose+json"
    published = found.get_time()
    assert published is not None
    assert abs(datetime.now(UTC) - published) < timedelta(minutes=1)
    expected = f"{PUBLIC_URL}/api/v2/barong/docs/events/{event.name}.v1.json"
    assert found.get_dataschema() == expected
    assert json.loads(message.body)["signatures"], "the body is the signed event"


async def test_the_direct_exchanges_have_the_same_headers(schema: Database, broker: str) -> None:
    event = an_event(record=USER)
    async with tapped(broker) as tap, supervised("relay", a_relay(schema, broker).run):
        await add(schema, event)
        await tap.hears(1)
        await tap.hears(1, f"{EVENTS}.model")

    topic, direct = (read(message) for _, _, message in tap.heard)
    assert topic.get_id() == direct.get_id() == str(event.id)
    assert topic.get_dataschema() == direct.get_dataschema()
