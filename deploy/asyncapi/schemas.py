"""JSON Schemas (draft 7, which AsyncAPI's own schemas build on) of events, from their records."""

import dataclasses
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from shared.contracts.catalogue import EventType
from shared.contracts.records import DESCRIPTION, FORMAT, VALUES, EventRecord

DRAFT = "http://json-schema.org/draft-07/schema#"

_TYPES = {str: "string", int: "integer", bool: "boolean"}


def schema_of(event: EventType[Any]) -> dict[str, Any]:
    """The schema of a message's verified claims.

    Subscribers must expect fields that it does not name: to add one is no breaking change.
    """
    body = {
        "record": record_schema(event.record),
        "name": {"const": event.name, "description": "The event's name."},
    }
    if event.has_changes:
        body["changes"] = _changes_schema(event.record)
    claims = {
        "iss": {"type": "string", "description": "Who signed: the setting `BARONG_JWT_ISSUER`."},
        "jti": {
            "type": "string",
            "format": "uuid",
            "description": "The event's id. A repeated event has the same one.",
        },
        "iat": {"type": "integer", "description": "When it was signed, in seconds since 1970."},
        "event": _object(body, ["record", "name"]),
    }
    return {
        "$schema": DRAFT,
        "title": event.name,
        "description": f"Sent when {event.when}.",
        **_object(claims, list(claims)),
    }


def record_schema(record: type[EventRecord]) -> dict[str, Any]:
    """The schema of a record, without nulls where the record omits them."""
    hints = get_type_hints(record)
    properties, required = {}, []
    for field in dataclasses.fields(record):
        nullable = type(None) in get_args(hints[field.name])
        if not (nullable and record.omits_nulls):
            required.append(field.name)
        properties[field.name] = _field_schema(
            field, hints[field.name], or_null=nullable and not record.omits_nulls
        )
    return {"description": record.__doc__ or "", **_object(properties, required)}


def _changes_schema(record: type[EventRecord]) -> dict[str, Any]:
    """The old values of what changed: some fields, or null where one had no value."""
    hints = get_type_hints(record)
    properties = {
        field.name: _field_schema(field, hints[field.name], or_null=True)
        for field in dataclasses.fields(record)
        if not _is_record(hints[field.name])
    }
    return {
        "description": "The old values of what changed; absent where nothing had a value before.",
        **_object(properties, []),
    }


def _field_schema(field: "dataclasses.Field[Any]", hint: Any, *, or_null: bool) -> dict[str, Any]:
    if _is_record(hint):
        return {**record_schema(hint), "description": field.metadata[DESCRIPTION]}
    if isinstance(hint, UnionType):
        [hint] = [each for each in get_args(hint) if each is not type(None)]
    schema: dict[str, Any]
    if get_origin(hint) is list:
        [item] = get_args(hint)
        kind: Any = "array"
        schema = {"items": {"type": _TYPES[item]}}
    else:
        kind, schema = _TYPES[hint], {}
    schema = {"type": [kind, "null"] if or_null else kind, **schema}
    if values := field.metadata[VALUES]:
        schema["enum"] = [*values, None] if or_null else list(values)
    if field.metadata[FORMAT]:
        schema["format"] = field.metadata[FORMAT]
    return {**schema, "description": field.metadata[DESCRIPTION]}


def _is_record(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, EventRecord)


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required}


def closed(schema: Any) -> Any:
    """The same schema, which refuses fields that it does not name: for our own tests."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(value) for key, value in schema.items()}
    return {**inner, "additionalProperties": False} if "properties" in schema else inner
