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
from deploy.openapi.headers import PAGING

_DOCUMENT = "urn:barong"
_PREFIXES = re.compile("(/api/v2)?(/barong)?")
_SHARED = ("components", "responses")
_ANYWHERE = ("authz.", "jwt.", "request.", "server.")

Place = tuple[str, ...]


@cache
def told() -> Mapping[str, Any]:
    """The document."""
    return document()


def disagreements(
    method: str, path: str, status: int, headers: Mapping[str, str], body: Any
) -> list[str]:
    """What of an answer is not as the document says; of calls it does not know, nothing.

    `headers` are found whatever their case. Objects may have no properties besides those that the
    document names, lists no paging headers.
    """
    operation = _operation(method, path)
    if operation is None:
        return []
    response = operation.responses.get(str(status))
    if response is None and not _anywhere(status, body):
        return [f"{method} {path}: {status} is not documented ({body})"]
    place, response = operation.place(status)
    wrong = [*_wrong_headers(response, headers)]
    if method != "HEAD":
        wrong += _wrong_content(place, response, headers, body)
    return [f"{method} {path} {status}: {what}" for what in wrong]


def _anywhere(status: int, body: Any) -> bool:
    """Whether any call may be answered so: what is not of the operation its codes tell."""
    codes = body.get("errors", ()) if isinstance(body, dict) else ()
    return status >= 500 or (bool(codes) and all(code.startswith(_ANYWHERE) for code in codes))


def _wrong_headers(response: Mapping[str, Any], headers: Mapping[str, str]) -> Iterator[str]:
    listed = response.get("headers", {})
    for name in PAGING:
        if name in headers and name not in listed:
            yield f"{name} is not documented"
        if name not in headers and listed.get(name, {}).get("required"):
            yield f"{name} is missing"


def _wrong_content(
    place: Place, response: Mapping[str, Any], headers: Mapping[str, str], body: Any
) -> Iterator[str]:
    content = response.get("content", {})
    media_type = headers.get("Content-Type", "").partition(";")[0]
    if not content:
        if body:
            yield "has a body"
    elif media_type not in content:
        yield f"{media_type} is not documented"
    elif media_type == "application/json":
        schema = validator((*place, "content", media_type, "schema"))
        for error in schema.iter_errors(body):
            yield f"{error.json_path} {error.message}"
        yield from _unnamed(content[media_type].get("examples"), body)


def _unnamed(examples: Mapping[str, Any] | None, body: Any) -> Iterator[str]:
    """Codes of a refusal that its examples do not name, but those that any call may get."""
    codes = body.get("errors", ()) if isinstance(body, dict) and examples is not None else ()
    for code in codes:
        if code not in (examples or ()) and not code.startswith(_ANYWHERE):
            yield f"{code} is not documented"


@cache
def validator(place: Place) -> Draft202012Validator:
    """Of the schema at that place; objects have no properties but those that it names."""
    pointer = "/".join(part.replace("~", "~0").replace("/", "~1") for part in place)
    return Draft202012Validator(
        {"$ref": f"{_DOCUMENT}#/{pointer}"}, registry=_registry(), format_checker=FormatChecker()
    )


@dataclass(frozen=True)
class _Operation:
    method: str
    template: str
    pattern: re.Pattern[str]

    @property
    def responses(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = told()["paths"][self.template][self.method]["responses"]
        return found

    def place(self, status: int) -> tuple[Place, Mapping[str, Any]]:
        """Where in the document an answer is described, and what stands there."""
        response = self.responses.get(str(status), self.responses["default"])
        if "$ref" in response:
            name = response["$ref"].rpartition("/")[2]
            return (*_SHARED, name), told()["components"]["responses"][name]
        return ("paths", self.template, self.method, "responses", str(status)), response


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
