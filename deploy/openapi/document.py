"""The document: the operations of all services put together."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from types import ModuleType
from typing import Any

from marshmallow import fields

import admin_svc.routes
import identity_svc.routes
import oauth_svc.routes
import resource_svc.routes
import webhooks_svc.routes
from deploy.openapi.converter import Models, Parameter, new_spec
from deploy.openapi.examples import BY_HAND, EXAMPLES
from deploy.openapi.headers import header_objects
from shared.answer_schemas import AnswerSchema
from shared.version import VERSION
from shared.web.errors import status_of
from shared.web.fields import Absence, CheckedField, Text
from shared.web.operations import NoParameters, Operation
from shared.web.routes import ANYONE, Route

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

_SECURITY_SCHEMES: Mapping[str, dict[str, Any]] = {
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


def _refusal(description: str, codes: Iterable[str]) -> dict[str, Any]:
    """A response that tells why not; each code is shown as an example."""
    content: dict[str, Any] = {"schema": {"$ref": "#/components/schemas/Errors"}}
    if examples := {code: {"value": {"errors": [code]}} for code in codes}:
        content["examples"] = examples
    return {"description": description, "content": {"application/json": content}}


_SHARED_REFUSALS: Mapping[str, dict[str, Any]] = {
    "Refusal": _refusal(
        "Why not. Any call may be refused with these codes, and with others like them.",
        (
            *("request.malformed", "authz.permission_denied", "authz.user_not_active"),
            *("request.throttled", "server.internal_error", "server.unavailable"),
            *("gateway.bad_gateway", "gateway.timeout"),
        ),
    ),
    "Unauthenticated": _refusal("Nobody is proven to be calling.", _OF_CALLERS),
    "TooLarge": _refusal("The body exceeds the limit.", ["request.too_large"]),
    "UnsupportedContent": _refusal(
        "The body is of another type, or encoded.",
        ["request.unsupported_media_type", "request.unsupported_encoding"],
    ),
}


def _shared(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/responses/{name}"}


_UNREADABLE_BODIES: Mapping[str, dict[str, Any]] = {
    "413": _shared("TooLarge"),
    "415": _shared("UnsupportedContent"),
}
"""How a body is answered that is too large, or of another type or encoding."""

_ANYBODY: list[dict[str, Any]] = []
_BY_CREDENTIALS: list[dict[str, Any]] = [
    {"bearer": []},
    {"session": [], "csrf": []},
    {"signature_input": [], "message_signature": []},
    {"api_key": [], "nonce": [], "signature": []},
]
_AT_THE_ROOT: dict[str, Any] = {"servers": [{"url": "/"}]}


class ErrorsSchema(AnswerSchema):
    """Why a call was refused: stable codes, in the order of the parameters."""

    errors = fields.List(fields.String())


def document() -> dict[str, Any]:
    """The OpenAPI document of the public API; its paths are those behind the gateway."""
    models = Models()
    spec = new_spec(
        models,
        title="Barong",
        version=VERSION,
        info={
            "description": _ABOUT,
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        servers=[{"url": _BELOW}],
    )
    spec.components.schema("Errors", schema=ErrorsSchema)
    for name, scheme in _SECURITY_SCHEMES.items():
        spec.components.security_scheme(name, dict(scheme))
    for name, response in _SHARED_REFUSALS.items():
        spec.components.response(name, response)
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    at_the_root = set()
    for tag, routes in _services():
        for route in routes:
            path = _path(route)
            paths[path][route.method.lower()] = _operation(models, tag, path, route)
            if not path.startswith(f"/{tag}/"):
                at_the_root.add(path)
    for path, operations in paths.items():
        spec.path(path, operations=operations)
    told: dict[str, Any] = spec.to_dict()
    for path in at_the_root:
        told["paths"][path].update(_AT_THE_ROOT)
    known = {f"{method.upper()} {path}" for path, item in paths.items() for method in item}
    if odd := {*EXAMPLES, *BY_HAND} - known:
        raise LookupError(f"examples of no such routes: {', '.join(odd)}")
    return told


def _services() -> Iterator[tuple[str, Iterable[Route[Any]]]]:
    own_account = f"{_SERVED_UNDER}/resource/"
    for tag, is_own in (("identity", False), ("resource", True)):
        routes = identity_svc.routes.PUBLIC
        yield tag, [each for each in routes if each.path.startswith(own_account) is is_own]
    yield "resource", _below(resource_svc.routes, "/resource")
    yield "admin", _below(admin_svc.routes, "/admin")
    yield "admin", _below(webhooks_svc.routes, "/admin/webhooks")
    for tag in ("identity", "resource", "admin"):
        below = f"{_SERVED_UNDER}/{tag}/"
        yield tag, [each for each in oauth_svc.routes.PUBLIC if each.path.startswith(below)]


def _below(routes: ModuleType, prefix: str) -> Iterable[Route[Any]]:
    return [replace(route, path=prefix + route.path) for route in routes.PUBLIC]


def _path(route: Route[Any]) -> str:
    """As OpenAPI writes it: without the patterns of its variables."""
    return re.sub(r"{(\w+):[^}]*}", r"{\1}", route.path.removeprefix(_SERVED_UNDER))


def _operation(models: Models, tag: str, path: str, route: Route[Any]) -> dict[str, Any]:
    operation = route.operation
    if operation.status is None:
        raise LookupError(f"{route.method} {path} is public and not declared as an operation")
    parameters = {} if operation.form is NoParameters else models.parameters(operation.form)
    in_path = [name for name in parameters if f"{{{name}}}" in path]
    others = [name for name in parameters if name not in in_path]
    name = f"{route.method} {path}"
    example: Mapping[str, Any] = EXAMPLES.get(name) or BY_HAND.get(name, {})
    shown: dict[str, Any] = {
        "operationId": f"{route.method.lower()}{re.sub('[^a-z0-9]+', '_', path.lower())}".rstrip(
            "_"
        ),
        "tags": [tag],
        "summary": operation.summary,
        "security": _ANYBODY if route.access is ANYONE else _BY_CREDENTIALS,
        "responses": {
            str(operation.status): _success(models, operation, example),
            **_refusals(operation, parameters, in_path, by_anyone=route.access is ANYONE),
            "default": _shared("Refusal"),
        },
    }
    if operation.note:
        shown["description"] = operation.note
    if operation.beyond_barong:
        shown["x-beyond-barong"] = True
    in_query = others if route.method in _IN_QUERY else []
    listed = [_parameter("path", parameters[name], True) for name in in_path]
    listed += [
        _parameter("query", parameters[name], parameters[name].required) for name in in_query
    ]
    for parameter in listed:
        if parameter["name"] in example.get("parameters", {}):
            parameter["example"] = example["parameters"][parameter["name"]]
    if listed:
        shown["parameters"] = listed
    if others and not in_query:
        shown["requestBody"] = _body(
            [parameters[name] for name in others], operation.reads_body, example.get("body")
        )
        shown["responses"] = {**_UNREADABLE_BODIES, **shown["responses"]}
    return shown


def _parameter(place: str, parameter: Parameter, required: bool) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": place,
        "required": required,
        "schema": parameter.schema,
    }


def _body(parameters: Sequence[Parameter], has_files: bool, example: Any) -> dict[str, Any]:
    required = [parameter.name for parameter in parameters if parameter.required]
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {parameter.name: parameter.schema for parameter in parameters},
    }
    if required:
        schema["required"] = required
    types = ("multipart/form-data",) if has_files else _BODY_TYPES
    content: dict[str, Any] = {"schema": schema}
    if example is not None:
        content["example"] = example
    return {"required": bool(required), "content": dict.fromkeys(types, content)}


def _success(
    models: Models, operation: Operation[Any], example: Mapping[str, Any]
) -> dict[str, Any]:
    success: dict[str, Any] = {"description": f"{operation.summary}."}
    contents = {"application/json": operation.answer, **operation.other_types}
    content: dict[str, Any] = {
        kind: {"schema": models.of(what)} for kind, what in contents.items() if what is not None
    }
    if operation.answer is not None and "answer" in example:
        content["application/json"]["example"] = example["answer"]
    if content:
        success["content"] = content
    if operation.headers:
        success["headers"] = header_objects(operation.headers)
    return success


def _refusals(
    operation: Operation[Any],
    parameters: Mapping[str, Parameter],
    in_path: Collection[str],
    *,
    by_anyone: bool,
) -> dict[str, Any]:
    """The responses of refusals by status, the codes of each in order."""
    codes: dict[int, set[str]] = {status: set() for status in operation.statuses}
    for name, parameter in parameters.items():
        for code in _codes(parameter.field, is_text=name in in_path):
            absent = isinstance(code, Absence) and operation.missing_is_400
            codes.setdefault(400 if absent else 422, set()).add(str(code))
    for refusal in operation.refuses:
        codes.setdefault(status_of(refusal), set()).update(refusal.codes)
    if not by_anyone:
        codes.setdefault(HTTPStatus.UNAUTHORIZED, set())
    refused: dict[str, Any] = {}
    for status in sorted(codes):
        general = () if by_anyone or status != HTTPStatus.UNAUTHORIZED else _OF_CALLERS
        if codes[status]:
            phrase = HTTPStatus(status).phrase
            refused[str(status)] = _refusal(f"{phrase}.", (*sorted(codes[status]), *general))
        else:
            refused[str(status)] = _shared("Unauthenticated" if general else "Refusal")
    return refused


def _codes(field: CheckedField, *, is_text: bool) -> Iterator[str]:
    """The codes of a parameter; one in the path is text, whose type cannot be wrong."""
    for code in field.codes():
        if not (is_text and isinstance(field, Text) and code == field.invalid != field.flawed):
            yield code
