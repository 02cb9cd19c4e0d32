"""How answers are described: marshmallow schemas, from which the API document is made.

They describe only. `to_public` and the like make the answers, and tests compare the two.
"""

from collections.abc import Collection
from typing import Any, ClassVar

from marshmallow import Schema, fields


class AnswerSchema(Schema):
    """A model of the API, or part of one.

    The class `LabelSchema` describes the model `Label`; a class whose name begins with an
    underscore describes an object without a name. The docstring is the description. The metadata
    of a field are keywords of JSON Schema, such as `description`.
    """

    optional: ClassVar[Collection[str]] = ()
    """The fields that are not in every answer."""

    def on_bind_field(self, field_name: str, field_obj: "fields.Field[Any]") -> None:
        field_obj.required = field_name not in self.optional


class AnyOf(fields.Field[Any]):
    """One of several models."""

    def __init__(self, *schemas: type[AnswerSchema]) -> None:
        super().__init__()
        self.schemas = schemas


def described(text: str, **keywords: Any) -> dict[str, Any]:
    """The metadata of a field: its description, and further keywords of JSON Schema."""
    return {"description": text, **keywords}


JSON_TEXT = described("A JSON object, as text.", contentMediaType="application/json")
"""The metadata of a text that is JSON."""

FILE = fields.Raw(metadata={"type": "string", "format": "binary"})
"""The content of a file."""
