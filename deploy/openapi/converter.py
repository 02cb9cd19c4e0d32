"""JSON Schemas of parameters and answers, made by apispec of the marshmallow schemas."""

import inspect
from collections.abc import Hashable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, cast

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.common import resolve_schema_cls
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import Schema
from marshmallow.fields import Field

from shared.answer_schemas import AnyOf
from shared.declared import schema_of
from shared.web.fields import CheckedField
from shared.web.operations import Content


class _Converter(OpenAPIConverter):
    """What apispec leaves out: docstrings, all keywords in metadata, and fields of our own."""

    def init_attribute_functions(self) -> None:
        super().init_attribute_functions()  # type: ignore[no-untyped-call]
        self.attribute_functions += [self._keywords, self._parameter, self._any_of]

    def schema2jsonschema(self, schema: Schema) -> dict[str, Any]:
        converted: dict[str, Any] = super().schema2jsonschema(  # type: ignore[no-untyped-call]
            schema
        )
        del converted["additionalProperties"]  # it says that the schema forbids them on input
        return converted | {"description": inspect.getdoc(type(schema))}

    def _keywords(self, field: "Field[Any]", ret: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in field.metadata.items() if name not in ret}

    def _parameter(self, field: "Field[Any]", ret: dict[str, Any]) -> dict[str, Any]:
        return field.json_schema() if isinstance(field, CheckedField) else {}

    def _any_of(self, field: "Field[Any]", ret: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(field, AnyOf):
            return {}
        return {"anyOf": [self.reference(schema) for schema in field.schemas]}

    def reference(self, schema: Schema | type[Schema]) -> dict[str, Any]:
        """A reference to the model, which it adds to the document; or the schema without a name."""
        resolved: dict[str, Any] = self.resolve_nested_schema(  # type: ignore[no-untyped-call]
            schema
        )
        return resolved


class _Plugin(MarshmallowPlugin):
    Converter = _Converter


def _name(schema: Any) -> str:
    """The name of a model; "" of an object that has none."""
    name = cast(type[Schema], resolve_schema_cls(schema)).__name__
    return "" if name.startswith("_") else name.removesuffix("Schema")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A field of a form, as clients send it."""

    name: str
    field: CheckedField
    schema: dict[str, Any]
    required: bool


class Models:
    """The models of a document; each is added to it when an answer has it first."""

    def __init__(self) -> None:
        self.plugin = _Plugin(schema_name_resolver=_name)

    @property
    def _converter(self) -> _Converter:
        return cast(_Converter, self.plugin.converter)

    def of(self, content: Content) -> dict[str, Any]:
        """The JSON Schema of an answer, with references to the models."""
        if isinstance(content, Field):
            return self._converter.field2property(content)
        return self._converter.reference(content)

    def parameters(self, form: type[Any]) -> Mapping[str, Parameter]:
        """The parameters of a form by the names that clients use."""
        declared = schema_of(cast(Hashable, form)).fields
        found = {}
        for field in fields(form):
            if field.name not in declared:
                continue
            checked = declared[field.name]
            name = checked.data_key or field.name
            schema = self._converter.field2property(checked)
            if isinstance(field.default, str | int) and field.default != "":
                schema["default"] = field.default
            found[name] = Parameter(
                name, cast(CheckedField, checked), schema, field.default is MISSING
            )
        return found


def new_spec(models: Models, **options: Any) -> APISpec:
    """An empty document that `models` are added to."""
    return APISpec(openapi_version="3.1.0", plugins=[models.plugin], **options)
