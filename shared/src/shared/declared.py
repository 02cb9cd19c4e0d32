"""Dataclasses whose fields carry their marshmallow field: a value and its check in one place."""

import dataclasses
from collections.abc import Hashable, Mapping
from functools import cache
from typing import Any, TypeVar, cast

from marshmallow import EXCLUDE, Schema, ValidationError
from marshmallow.fields import Field

T = TypeVar("T")

_FIELD = "marshmallow"


def declared(field: "Field[Any]", default: Any = dataclasses.MISSING, **metadata: Any) -> Any:
    """A dataclass field that `load` checks and converts with `field`.

    Without a default the value is required, unless the marshmallow field says otherwise. It is
    never shown: a setting or a parameter may be a password.
    """
    if default is dataclasses.MISSING:
        return dataclasses.field(repr=False, metadata={_FIELD: field, **metadata})
    return dataclasses.field(default=default, repr=False, metadata={_FIELD: field, **metadata})


@cache
def schema_of(declaration: Hashable) -> Schema:
    """The marshmallow schema of a dataclass made with `declared`; unknown keys are ignored.

    `Hashable` is all that `cache` lets the type checker know of a class.
    """
    fields = {
        field.name: field.metadata[_FIELD]
        for field in dataclasses.fields(declaration)  # type: ignore[arg-type]  # see Hashable
        if _FIELD in field.metadata
    }
    return Schema.from_dict(fields)(unknown=EXCLUDE)


def load(declaration: type[T], raw: Mapping[str, Any]) -> T:
    """An instance of `declaration` made of `raw`.

    Raises `Faults` with every fault, in the order in which the fields are declared.
    """
    schema = schema_of(cast(Hashable, declaration))
    if not schema.fields:
        return declaration()
    try:
        return declaration(**schema.load(raw))
    except ValidationError as error:
        messages = cast(dict[str, Any], error.messages)
        keys = [field.data_key or name for name, field in schema.fields.items()]
        raise Faults({key: _flat(messages[key]) for key in keys if key in messages}) from None


def _flat(messages: Any) -> list[str]:
    """The messages of a field; those of what is in a list or a mapping stand below its keys."""
    if isinstance(messages, Mapping):
        messages = [each for part in messages.values() for each in _flat(part)]
    return list(dict.fromkeys(messages))


class Faults(Exception):
    """What is wrong with a mapping, by key; the values are lists of messages or stable codes."""

    def __init__(self, by_key: Mapping[str, list[str]]) -> None:
        super().__init__(by_key)
        self.by_key = by_key
