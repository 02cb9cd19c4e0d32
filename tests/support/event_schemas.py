"""Holds events against their schemas: every field must be described, none may be missing."""

from functools import cache
from typing import Any

from jsonschema import Draft7Validator, FormatChecker

from deploy.asyncapi.schemas import closed, schema_of
from shared.contracts.catalogue import CATALOGUE
from shared.contracts.events import Event


def faults(event: Event) -> list[str]:
    """What is wrong with an event that is about to be signed; values are not shown."""
    if event.name not in CATALOGUE:
        return [f"{event.name}: not in the catalogue"]
    body: dict[str, Any] = {"record": {**event.record, **event.secrets}, "name": event.name}
    if event.changes is not None:
        body["changes"] = dict(event.changes)
    return [
        f"{event.name}: {fault.json_path}: {fault.validator} {fault.validator_value!r}"
        for fault in _validator(event.name).iter_errors(body)
    ]


@cache
def _validator(name: str) -> Draft7Validator:
    schema = closed(schema_of(CATALOGUE[name])["properties"]["event"])
    return Draft7Validator(schema, format_checker=FormatChecker())
