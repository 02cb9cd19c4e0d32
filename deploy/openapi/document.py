"""The document: routes, forms and answers of all services put together."""

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from types import ModuleType
from typing import Any, cast

import admin_svc.routes
import identity_svc.routes
import resource_svc.routes
from deploy.openapi import admin, identity, resource
from deploy.openapi.models import MODELS
from deploy.openapi.operation import Operation, Operations
from deploy.openapi.schemas import Schema, ref
from shared.declared import schema_of
from shared.version import VERSION
from shared.web.fields import Parameter
from shared.web.routes import ANYONE, NoParameters, Route

_BELOW = "/api/v2/barong"
_SERVED_UNDER = "/api/v2"
_IN_QUERY = ("GET", "DELETE")
_BODY_TYPES = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")

_ABOUT = """\
Identity, KYC and authorization for the APIs behind one gateway.

Parameters are read from the query, a form or a JSON object; the body wins. Bodies are not
compressed: a `Content-Encoding` is 415 `request.unsupported_encoding`. Refusals carry stable
codes: `{"errors": ["…"]}`. Calls with a session cookie that change something need its CSRF token.
Besides what is listed here, any call may be answered 401 or 403 (`authz.…`, `jwt.…`: who is
calling, may he), 400, 408, 413, 414, 415, 429 or 431 (`request.…`: it cannot be read, is too slow,
too large or too frequent; see `Retry-After`) or 5xx (`server.…`: something we depend on is away).
"""

_SECURITY_SCHEMES: Mapping[str, Schema] = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "session": {"type": "apiKey", "in": "cookie", "name": "_barong_session"},
    "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token"},
    "api_key": {"type": "apiKey", "in": "header", "name": "X-Auth-Apikey"},
    "nonce": {"type": "apiKey", "in": "header", "name": "X-Auth-Nonce"},
    "signature": {"type": "apiKey", "in": "header", "name": "X-Auth-Signature"},
    "signature_input": {
        "type": "apiKey",
        "in": "header",
        "name": "Signature-Input",
        "description": "HTTP Message Signatures (RFC 9421); see docs/consumers/signing.md.",
    },
    "message_signature": {"type": "apiKey", "in": "header", "name": "Signature"},
}


_REFUSAL: Schema = {"$ref": "#/components/responses/Refusal"}
_UNREADABLE_BODIES: Mapping[str, Schema] = {"413": _REFUSAL, "415": _REFUSAL}
"""How a body is answered that is too large, or of another type or encoding."""

_ANYBODY: list[Schema] = []
_BY_CREDENTIALS: list[Schema] = [
    {"bearer": []},
    {"session": [], "csrf": []},
    {"signature_input": [], "message_signature": []},
    {"api_key": [], "nonce": [], "signature": []},
]
_AT_THE_ROOT: Schema = {"servers": [{"url": "/"}]}


def document() -> Schema:
    """The OpenAPI document of the public API; its paths are those behind the gateway."""
    paths: dict[str, dict[str, Any]] = {}
    for tag, routes, operations in _services():
        told = dict(operations)
        for route in routes:
            path = _path(route)
            operation = told.pop(f"{route.method} {path}")
            item = paths.setdefault(path, {} if path.startswith(f"/{tag}/") else {**_AT_THE_ROOT})
            item[route.method.lower()] = _operation(tag, path, route, operation)
        if told:
            raise LookupError(f"no such routes: {', '.join(told)}")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Barong",
            "version": VERSION,
            "description": _ABOUT,
        },
        "servers": [{"url": _BELOW}],
        "paths": paths,
        "components": {
            "schemas": MODELS,
            "securitySchemes": _SECURITY_SCHEMES,
            "responses": {
                "Refusal": {
                    "description": "Why not.",
                    "content": {"application/json": {"schema": ref("Errors")}},
                }
            },
        },
    }


def _services() -> Iterator[tuple[str, Iterable[Route[Any]], Operations]]:
    yield "identity", identity_svc.routes.PUBLIC, identity.OPERATIONS
    yield "resource", _below(resource_svc.routes, "/resource"), resource.OPERATIONS
    yield "admin", _below(admin_svc.routes, "/admin"), admin.OPERATIONS


def _below(routes: ModuleType, prefix: str) -> Iterable[Route[Any]]:
    return [replace(route, path=prefix + route.path) for route in routes.PUBLIC]


def _path(route: Route[Any]) -> str:
    """As OpenAPI writes it: without the patterns of its variables."""
    return re.sub(r"{(\w+):[^}]*}", r"{\1}", route.path.removeprefix(_SERVED_UNDER))


def _operation(tag: str, path: str, route: Route[Any], operation: Operation) -> Schema:
    parameters = _parameters(route.form if operation.form is NoParameters else operation.form)
    in_path = [name for name in parameters if f"{{{name}}}" in path]
    others = [name for name in parameters if name not in in_path]
    told: Schema = {
        "operationId": f"{route.method.lower()}{re.sub('[^a-z0-9]+', '_', path.lower())}".rstrip(
            "_"
        ),
        "tags": [tag],
        "summary": operation.summary,
        "security": _ANYBODY if route.access is ANYONE else _BY_CREDENTIALS,
        "responses": _responses(operation),
    }
    if operation.note:
        told["description"] = operation.note
    if operation.ours:
        told["x-beyond-barong"] = True
    in_query = others if route.method in _IN_QUERY else []
    listed = [_parameter("path", parameters[name], True) for name in in_path]
    listed += [
        _parameter("query", parameters[name], parameters[name].required) for name in in_query
    ]
    if listed:
        told["parameters"] = listed
    if others and not in_query:
        told["requestBody"] = _body([parameters[name] for name in others], route.streams)
        told["responses"] = {**_UNREADABLE_BODIES, **told["responses"]}
    return told


@dataclass(frozen=True, slots=True)
class _Parameter:
    """A field of a form, as clients send it."""

    name: str
    schema: Schema
    required: bool


def _parameters(form: type[Any]) -> Mapping[str, _Parameter]:
    if form is NoParameters:
        return {}
    declared = schema_of(cast(Hashable, form)).fields
    parameters = {}
    for field in fields(form):
        if field.name not in declared:
            continue
        checked = declared[field.name]
        name = checked.data_key or field.name
        schema = dict(cast(Parameter, checked).json_schema())
        if isinstance(field.default, str | int) and field.default != "":
            schema["default"] = field.default
        parameters[name] = _Parameter(name, schema, field.default is MISSING)
    return parameters


def _parameter(place: str, parameter: _Parameter, required: bool) -> Schema:
    return {
        "name": parameter.name,
        "in": place,
        "required": required,
        "schema": parameter.schema,
    }


def _body(parameters: Sequence[_Parameter], streams: bool) -> Schema:
    required = [parameter.name for parameter in parameters if parameter.required]
    schema: Schema = {
        "type": "object",
        "properties": {parameter.name: parameter.schema for parameter in parameters},
    }
    if required:
        schema["required"] = required
    types = ("multipart/form-data",) if streams else _BODY_TYPES
    return {
        "required": bool(required),
        "content": {media_type: {"schema": schema} for media_type in types},
    }


def _responses(operation: Operation) -> Schema:
    success: Schema = {"description": operation.summary + "."}
    if operation.answer is not None:
        schemas = {operation.media_type: operation.answer, **operation.other_types}
        success["content"] = {kind: {"schema": schema} for kind, schema in schemas.items()}
    if operation.headers:
        success["headers"] = operation.headers
    refused = {str(status): _REFUSAL for status in operation.refusals}
    return {str(operation.status): success, **refused, "default": _REFUSAL}
