"""The API document as tests hold answers against it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from deploy.openapi.document import document

_DOCUMENT = "urn:barong"
_PREFIXES = re.compile("(/api/v2)?(/barong)?")


@cache
def told() -> Mapping[str, Any]:
    """The document."""
    return document()


def disagreements(method: str, path: str, status: int, body: Any) -> list[str]:
    """What of an answer is not as the document says; of calls it does not know, nothing.

    Objects may have no properties besides those that the document names.
    """
    operation = _operation(method, path)
    if operation is None:
        return []
    validator = operation.validator(status)
    if validator is None:
        return [f"{method} {path}: {status} has a body"] if body else []
    return [
        f"{method} {path} {status}: {error.json_path} {error.message}"
        for error in validator.iter_errors(body)
    ]


@dataclass(frozen=True)
class _Operation:
    method: str
    template: str
    pattern: re.Pattern[str]

    @cache  # noqa: B019 - there are as many as there are operations, for the whole run
    def validator(self, status: int) -> Draft202012Validator | None:
        place = ["paths", self.template, self.method, "responses"]
        responses = told()["paths"][self.template][self.method]["responses"]
        response = responses.get(str(status))
        if response is not None and "$ref" not in response:
            if "application/json" not in response.get("content", {}):
                return None
            place += [str(status)]
        else:
            place = ["components", "responses", "Refusal"]
        place += ["content", "application/json", "schema"]
        pointer = "/".join(part.replace("~", "~0").replace("/", "~1") for part in place)
        return Draft202012Validator(
            {"$ref": f"{_DOCUMENT}#/{pointer}"},
            registry=_registry(),
            format_checker=FormatChecker(),
        )


def _operation(method: str, path: str) -> _Operation | None:
    method = "get" if method == "HEAD" else method.lower()
    path = _PREFIXES.sub("", path.partition("?")[0], count=1).removesuffix("/")
    return next(
        (
            found
            for found in _operations()
            if found.method == method and found.pattern.fullmatch(path)
        ),
        None,
    )


@cache
def _operations() -> tuple[_Operation, ...]:
    def found() -> Iterator[_Operation]:
        # What is written out comes before what has variables: /users/me before /users/{uid}.
        for template in sorted(told()["paths"], key=lambda path: path.count("{")):
            pattern = re.compile(re.sub(r"{\w+}", "[^/]+", template))
            for method in told()["paths"][template].keys() - {"servers"}:
                yield _Operation(method, template, pattern)

    return tuple(found())


@cache
def _registry() -> Registry[Any]:
    resource: Resource[Any] = DRAFT202012.create_resource(_closed(told()))
    registry: Registry[Any] = Registry().with_resource(_DOCUMENT, resource)
    return registry


def _closed(schema: Any) -> Any:
    """The same without room for what is not named."""
    match schema:
        case dict():
            closed = {key: _closed(value) for key, value in schema.items()}
            if schema.get("type") == "object" and "properties" in schema:
                closed.setdefault("additionalProperties", False)
            return closed
        case list() | tuple():
            return [_closed(value) for value in schema]
    return schema
