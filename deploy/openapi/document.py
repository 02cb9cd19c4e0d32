"""The document: routes, forms and answers of all services put together."""

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from http import HTTPStatus
from types import ModuleType
from typing import Any, cast

import admin_svc.routes
import identity_svc.routes
import resource_svc.routes
from deploy.openapi import admin, identity, resource
from deploy.openapi.examples import BY_HAND, EXAMPLES, REFUSALS
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
calling, and may they), 400, 408, 413, 414, 415, 429 or 431 (`request.…`: it cannot be read, is too
slow, too large or too frequent; see `Retry-After`) or 5xx (`server.…`: something we depend on is
away).

The page at `/api/v2/barong/docs` tries calls out. Log in there with `POST /identity/sessions`, or
in another tab: the browser keeps the cookie, and the page adds the CSRF token to calls that change
something. Other credentials are entered under "Authorize".
"""

_SECURITY_SCHEMES: Mapping[str, Schema] = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "_barong_session",
        "description": "Set by `POST /identity/sessions`. Browsers send it by themselves.",
    },
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": "X-CSRF-Token",
        "description": "The `csrf_token` of the log-in, or of `GET /identity/sessions`. Only with "
        "the cookie, and only for calls that change something. The page adds it by itself.",
    },
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


_OF_CALLERS = ("authz.invalid_session", "authz.client_session_mismatch", "jwt.decode_and_verify")
"""Some codes with which any call is answered 401 that has to bring credentials."""


def _refusal(description: str, codes: Iterable[str]) -> Schema:
    """A response that tells why not; each code is shown as an example."""
    content: Schema = {"schema": ref("Errors")}
    if examples := {code: {"value": {"errors": [code]}} for code in codes}:
        content["examples"] = examples
    return {"description": description, "content": {"application/json": content}}


_SHARED_REFUSALS: Mapping[str, Schema] = {
    "Refusal": _refusal(
        "Why not. Any call may be refused with these codes, and with others like them.",
        (
            *("request.malformed", "authz.permission_denied", "authz.user_not_active"),
            *("request.throttled", "server.internal_error", "server.unavailable"),
        ),
    ),
    "Unauthenticated": _refusal("Nobody is proven to be calling.", _OF_CALLERS),
    "TooLarge": _refusal("The body exceeds the limit.", ["request.too_large"]),
    "UnsupportedContent": _refusal(
        "The body is of another type, or encoded.",
        ["request.unsupported_media_type", "request.unsupported_encoding"],
    ),
}


def _shared(name: str) -> Schema:
    return {"$ref": f"#/components/responses/{name}"}


_UNREADABLE_BODIES: Mapping[str, Schema] = {
    "413": _shared("TooLarge"),
    "415": _shared("UnsupportedContent"),
}
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
    named = {*EXAMPLES, *BY_HAND, *REFUSALS}
    for tag, routes, operations in _services():
        told = dict(operations)
        for route in routes:
            path = _path(route)
            operation = told.pop(f"{route.method} {path}")
            named.discard(f"{route.method} {path}")
            item = paths.setdefault(path, {} if path.startswith(f"/{tag}/") else {**_AT_THE_ROOT})
            item[route.method.lower()] = _operation(tag, path, route, operation)
        if told:
            raise LookupError(f"no such routes: {', '.join(told)}")
    if named:
        raise LookupError(f"examples of no such routes: {', '.join(named)}")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Barong",
            "version": VERSION,
            "description": _ABOUT,
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": _BELOW}],
        "paths": paths,
        "components": {
            "schemas": MODELS,
            "securitySchemes": _SECURITY_SCHEMES,
            "responses": _SHARED_REFUSALS,
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
    name = f"{route.method} {path}"
    example: Mapping[str, Any] = EXAMPLES.get(name) or BY_HAND.get(name, {})
    told: Schema = {
        "operationId": f"{route.method.lower()}{re.sub('[^a-z0-9]+', '_', path.lower())}".rstrip(
            "_"
        ),
        "tags": [tag],
        "summary": operation.summary,
        "security": _ANYBODY if route.access is ANYONE else _BY_CREDENTIALS,
        "responses": _responses(
            operation,
            example,
            REFUSALS.get(name, {}),
            _OF_CALLERS if route.access is not ANYONE else (),
        ),
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
    for parameter in listed:
        if parameter["name"] in example.get("parameters", {}):
            parameter["example"] = example["parameters"][parameter["name"]]
    if listed:
        told["parameters"] = listed
    if others and not in_query:
        told["requestBody"] = _body(
            [parameters[name] for name in others], route.streams, example.get("body")
        )
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


def _body(parameters: Sequence[_Parameter], streams: bool, example: Any) -> Schema:
    required = [parameter.name for parameter in parameters if parameter.required]
    schema: Schema = {
        "type": "object",
        "properties": {parameter.name: parameter.schema for parameter in parameters},
    }
    if required:
        schema["required"] = required
    types = ("multipart/form-data",) if streams else _BODY_TYPES
    content: Schema = (
        {"schema": schema}
        if example is None
        else {
            "schema": schema,
            "example": example,
        }
    )
    return {"required": bool(required), "content": dict.fromkeys(types, content)}


def _responses(
    operation: Operation,
    example: Mapping[str, Any],
    codes: Mapping[int, Sequence[str]],
    codes_of_callers: Sequence[str],
) -> Schema:
    """Raises `LookupError` for codes of a status that the operation does not name."""
    success: Schema = {"description": operation.summary + "."}
    if operation.answer is not None:
        schemas = {operation.media_type: operation.answer, **operation.other_types}
        success["content"] = {kind: {"schema": schema} for kind, schema in schemas.items()}
        if "answer" in example:
            success["content"][operation.media_type]["example"] = example["answer"]
    if operation.headers:
        success["headers"] = operation.headers
    if odd := codes.keys() - set(operation.refusals):
        raise LookupError(f"{operation.summary}: {odd} have codes but are not among the statuses")
    refused: dict[str, Schema] = {}
    for status in operation.refusals:
        general = codes_of_callers if status == HTTPStatus.UNAUTHORIZED else ()
        if status in codes:
            phrase = HTTPStatus(status).phrase
            refused[str(status)] = _refusal(f"{phrase}.", (*codes[status], *general))
        else:
            refused[str(status)] = _shared("Unauthenticated" if general else "Refusal")
    return {str(operation.status): success, **refused, "default": _shared("Refusal")}
