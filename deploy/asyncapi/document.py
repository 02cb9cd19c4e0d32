"""The AsyncAPI 3 document: exchanges, and what subscribers receive from them."""

from typing import Any

from deploy.asyncapi.schemas import schema_of
from shared.contracts.catalogue import CATALOGUE, EventType
from shared.contracts.topology import EVENTS, legacy_route
from shared.version import VERSION

CONTENT_TYPE = "application/jose+json"

_DESCRIPTION = f"""\
Everything that happens in Barong is an event, published at least once to RabbitMQ.

A message is a JWS in JSON general serialization (RFC 7515, 7.2.1), signed with RS256: see the
schema `Envelope`. `payload` of each message is described here as a subscriber has it after it
verified the signature: the claims of the JWS.

Declare a durable queue of your own and bind it to `{EVENTS}` with the names that you need as
routing keys. The direct exchanges are there for programs that subscribed to Barong before.

Expect fields that are not described: to add one is no new version. Events that are tagged
`sensitive` carry a secret."""

_ENVELOPE = {
    "type": "object",
    "description": "What is on the wire.",
    "required": ["payload", "signatures"],
    "properties": {
        "payload": {
            "type": "string",
            "contentEncoding": "base64url",
            "contentMediaType": "application/json",
            "description": "The claims, which the schema of each event describes.",
        },
        "signatures": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": {
                "type": "object",
                "required": ["protected", "header", "signature"],
                "properties": {
                    "protected": {
                        "type": "string",
                        "description": '`{"alg":"RS256"}` in base64url.',
                    },
                    "header": {
                        "type": "object",
                        "required": ["kid"],
                        "properties": {
                            "kid": {
                                "type": "string",
                                "description": "The key's id in the JWKS; on the direct "
                                "exchanges `barong`.",
                            }
                        },
                    },
                    "signature": {"type": "string", "contentEncoding": "base64url"},
                },
            },
        },
    },
}

_HEADERS = {
    "type": "object",
    "description": "The attributes of CloudEvents 1.0, in AMQP's binary mode. They are not signed.",
    "required": [
        f"cloudEvents:{name}"
        for name in ("specversion", "id", "source", "type", "time", "dataschema")
    ],
    "properties": {
        f"cloudEvents:{name}": {"type": "string", "description": description}
        for name, description in (
            ("specversion", "`1.0`"),
            ("id", "The event's id, as `jti`."),
            ("source", "The service that owns the event, such as `/barong/identity-svc`."),
            ("type", "The event's name."),
            ("time", "When it was published."),
            ("subject", "The uid of the user whom it is about, if there is one."),
            ("dataschema", "Where the JSON Schema of the event is."),
        )
    }
    | {
        "traceparent": {
            "type": "string",
            "description": "W3C Trace Context: the span of the publication, if it has one.",
        }
    },
}


def document() -> dict[str, Any]:
    """The document; its parts are in the order of the catalogue."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Barong events",
            "version": VERSION,
            "description": _DESCRIPTION,
            "license": {"name": "Apache 2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {
            "topic": {
                "address": EVENTS,
                "description": "Topic exchange. The routing key is the event's name.",
                "messages": {name: _message_of(name) for name in CATALOGUE},
                "bindings": {"amqp": _exchange(EVENTS, "topic", durable=True)},
            },
            **{
                prefix: {
                    "address": f"{EVENTS}.{prefix}",
                    "description": "Direct exchange, for programs that subscribed to Barong "
                    f"before. The routing key is the event's name without `{prefix}.`.",
                    "messages": {
                        name: _message_of(name)
                        for name in CATALOGUE
                        if legacy_route(name)[0] == f"{EVENTS}.{prefix}"
                    },
                    "bindings": {"amqp": _exchange(f"{EVENTS}.{prefix}", "direct", durable=False)},
                }
                for prefix in ("model", "system")
            },
        },
        "operations": {
            f"publish_{channel}": {
                "action": "send",
                "channel": {"$ref": f"#/channels/{channel}"},
                "summary": "Barong publishes every event here.",
            }
            for channel in ("topic", "model", "system")
        },
        "components": {
            "messages": {name: _message(each) for name, each in CATALOGUE.items()},
            "schemas": {"Envelope": _ENVELOPE, "Headers": _HEADERS},
        },
    }


def _message_of(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/messages/{name}"}


def _message(event: EventType[Any]) -> dict[str, Any]:
    tags = [{"name": event.owner}]
    if event.sensitive:
        tags.append({"name": "sensitive"})
    schema = schema_of(event)
    schema.pop("$schema")
    return {
        "name": event.name,
        "title": event.name,
        "summary": f"Sent when {event.when}.",
        "contentType": CONTENT_TYPE,
        "tags": tags,
        "headers": {"$ref": "#/components/schemas/Headers"},
        "payload": schema,
        "x-version": event.version,
        "x-owner": event.owner,
        "x-sensitive": event.sensitive,
    }


def _exchange(name: str, kind: str, *, durable: bool) -> dict[str, Any]:
    return {
        "is": "routingKey",
        "exchange": {"name": name, "type": kind, "durable": durable, "autoDelete": False},
        "bindingVersion": "0.3.0",
    }
