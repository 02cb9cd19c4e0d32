"""JSON Schemas, put shortly."""

from collections.abc import Iterable
from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
INTEGER: Schema = {"type": "integer"}
BOOLEAN: Schema = {"type": "boolean"}
DAY: Schema = {"type": "string", "format": "date"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
JSON_TEXT: Schema = {
    "type": "string",
    "contentMediaType": "application/json",
    "description": "A JSON object, as text.",
}


def model(description: str, /, *, optional: Iterable[str] = (), **properties: Schema) -> Schema:
    """An object with these properties, all of which are there but the optional ones."""
    required = [name for name in properties if name not in set(optional)]
    schema: Schema = {"type": "object", "description": description, "properties": properties}
    return schema | ({"required": required} if required else {})


def ref(name: str) -> Schema:
    """One of the document's models."""
    return {"$ref": f"#/components/schemas/{name}"}


def several(items: Schema) -> Schema:
    """A list."""
    return {"type": "array", "items": items}


def by_key(values: Schema, description: str) -> Schema:
    """An object whose keys are data."""
    return {"type": "object", "additionalProperties": values, "description": description}


def maybe(schema: Schema) -> Schema:
    """The same, or null."""
    if "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    kind = schema["type"]
    return {**schema, "type": kind if "null" in kind else [kind, "null"]}


def one_of(*words: str) -> Schema:
    """One of these words."""
    return {"type": "string", "enum": list(words)}
