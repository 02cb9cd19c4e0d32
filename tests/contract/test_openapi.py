"""The API document holds what the contract promises, and nothing that is not so."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml
from multidict import CIMultiDict
from openapi_spec_validator import OpenAPIV31SpecValidator

from deploy.openapi.files import text
from tests.contract.documented import disagreements, told, validator

CONTRACT = yaml.safe_load((Path(__file__).parent / "api.yaml").read_text())
OPERATIONS: Mapping[str, Any] = {
    name: promised for row in CONTRACT["operations"] for name, promised in row.items()
}


def documented(name: str) -> Mapping[str, Any]:
    method, path = name.split()
    found: Mapping[str, Any] = told()["paths"][path][method.lower()]
    return found


def taken(operation: Mapping[str, Any]) -> Iterator[tuple[str, str, bool, Mapping[str, Any]]]:
    """Name, place, whether it is required, and schema of each parameter."""
    for parameter in operation.get("parameters", ()):
        yield parameter["name"], parameter["in"], parameter["required"], parameter["schema"]
    for content in operation.get("requestBody", {}).get("content", {}).values():
        required = content["schema"].get("required", ())
        for name, schema in content["schema"]["properties"].items():
            yield name, "form", name in required, schema


def promised_parameters() -> Iterator[Any]:
    for name, promised in OPERATIONS.items():
        for parameter, what in promised.get("parameters", {}).items():
            yield pytest.param(name, parameter, *what.split(), id=f"{name} {parameter}")


def test_the_document_is_openapi() -> None:
    OpenAPIV31SpecValidator(told()).validate()


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_with_its_statuses_is_documented(name: str) -> None:
    statuses = {int(status) for status in documented(name)["responses"].keys() - {"default"}}
    assert set(OPERATIONS[name]["statuses"]) <= statuses


@pytest.mark.parametrize(("name", "parameter", "place", "kind"), list(promised_parameters()))
def test_every_parameter_is_documented(name: str, parameter: str, place: str, kind: str) -> None:
    required = not parameter.endswith("?")
    parameter = parameter.removesuffix("?")
    found = [row[1:] for row in taken(documented(name)) if row[0] == parameter]
    assert found
    for there, is_required, schema in found:
        assert there == place
        assert is_required is required or (name, parameter) in KINDER
        assert is_a(schema, kind)


KINDER: set[tuple[str, str]] = set()
"""Parameters that the contract requires and without which we can do."""


def is_a(schema: Mapping[str, Any], kind: str) -> bool:
    if kind == "date":
        return "string" in schema["type"] and schema.get("format") in ("date", None)
    if schema["type"] == "array":
        return kind in schema["items"]["type"]
    return kind in schema["type"]


@pytest.mark.parametrize("model", CONTRACT["models"])
def test_every_model_is_documented(model: str) -> None:
    properties = told()["components"]["schemas"][model]["properties"]
    assert set(CONTRACT["models"][model]) <= set(properties)


def operations() -> Iterator[Any]:
    for path, item in told()["paths"].items():
        for method in sorted(item.keys() - {"servers"}):
            yield pytest.param(path, method, id=f"{method} {path}")


def refused(response: Mapping[str, Any]) -> Mapping[str, Any]:
    """A response itself, where another place has it."""
    name = response.get("$ref", "").rpartition("/")[2]
    found: Mapping[str, Any] = told()["components"]["responses"][name] if name else response
    return found


@pytest.mark.parametrize(("path", "method"), list(operations()))
def test_examples_are_of_the_schemas(path: str, method: str) -> None:
    operation, place = told()["paths"][path][method], ("paths", path, method)
    for number, parameter in enumerate(operation.get("parameters", ())):
        if parameter["required"] or "example" in parameter:
            schema = validator((*place, "parameters", str(number), "schema"))
            schema.validate(parameter["example"])
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        validator((*place, "requestBody", "content", kind, "schema")).validate(content["example"])
    for status, response in operation["responses"].items():
        content = refused(response).get("content", {}).get("application/json", {})
        if status.startswith("2") and content:
            schema = validator((*place, "responses", status, "content", JSON_TYPE, "schema"))
            schema.validate(content["example"])
        elif content:
            assert content["examples"]
            for code, example in content["examples"].items():
                assert example["value"] == {"errors": [code]}


def test_what_is_more_than_the_contract_says_so() -> None:
    ours = {
        f"{method.upper()} {path}"
        for path, item in told()["paths"].items()
        for method, operation in item.items()
        if method != "servers" and operation.get("x-beyond-barong")
    }
    everything = {
        f"{method.upper()} {path}"
        for path, item in told()["paths"].items()
        for method in item.keys() - {"servers"}
    }
    assert everything - set(OPERATIONS) == ours


def test_the_gateway_carries_the_document_as_it_is() -> None:
    carried = (resources.files("authz_gateway.api_document") / "openapi.json").read_text()
    assert carried == text(), "`make api-document` writes it anew"


def test_it_is_printed_without_any_server() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "deploy.openapi"],
        capture_output=True,
        check=True,
        env={},
        timeout=60,
    )
    assert json.loads(printed.stdout) == json.loads(json.dumps(told()))


JSON_TYPE = "application/json"
JSON = {"content-type": "application/json; charset=utf-8"}
A_PAGE = {"page": "1", "per-page": "100", "total": "0"}
AS_CSV = {"content-type": "text/csv; charset=utf-8"}

USERS = "/api/v2/barong/admin/users"
ACTIVITIES = "/api/v2/barong/admin/activities"


@pytest.mark.parametrize(
    ("method", "path", "status", "headers", "body"),
    [
        ("GET", "/api/v2/barong/identity/ping", 200, JSON, {"ping": "pong"}),
        ("HEAD", "/api/v2/barong/identity/ping", 200, JSON, ""),
        ("GET", "/identity/ping", 503, JSON, {"errors": ["server.unavailable"]}),
        ("GET", "/identity/ping", 429, JSON, {"errors": ["request.throttled"]}),
        ("GET", "/api/v2/nowhere", 200, JSON, {"any": "thing"}),
        ("DELETE", "/api/v2/identity/sessions", 204, {}, ""),
        ("GET", "/resource/labels", 403, JSON, {"errors": ["authz.permission_denied"]}),
        ("GET", USERS, 200, JSON | A_PAGE, []),
        ("GET", USERS, 200, JSON | A_PAGE | {"next-cursor": "c", "total-relation": "gt"}, []),
        ("GET", ACTIVITIES, 200, JSON | A_PAGE, []),
        ("GET", ACTIVITIES, 200, AS_CSV, "id,created_at"),
    ],
)
def test_answers_that_agree(
    method: str, path: str, status: int, headers: Mapping[str, str], body: Any
) -> None:
    assert not disagreements(method, path, status, CIMultiDict(headers), body)


@pytest.mark.parametrize(
    ("method", "path", "status", "headers", "body"),
    [
        ("GET", "/api/v2/barong/identity/ping", 200, JSON, {"ping": "pong", "more": 1}),
        ("GET", "/api/v2/barong/identity/ping", 200, JSON, ""),
        ("GET", "/api/v2/barong/identity/ping", 200, AS_CSV, "pong"),
        ("GET", "/api/v2/barong/identity/ping", 201, JSON, {"ping": "pong"}),
        ("GET", "/api/v2/barong/identity/ping", 200, JSON | {"total": "1"}, {"ping": "pong"}),
        ("GET", "/api/v2/barong/identity/time", 200, JSON, {"time": "now"}),
        ("GET", "/identity/ping", 503, JSON, {"error": "server.unavailable"}),
        ("GET", "/identity/ping", 404, JSON, {"errors": ["record.not_found"]}),
        ("POST", "/resource/labels", 422, JSON, {"errors": ["key.new_reason"]}),
        ("GET", "/identity/ping", 422, JSON, {"errors": []}),
        ("GET", "/resource/users/me", 200, JSON, {"uid": "ID0000000000"}),
        ("DELETE", "/api/v2/identity/sessions", 204, JSON, {"done": True}),
        ("GET", USERS, 200, JSON, []),
        ("HEAD", USERS, 200, JSON, ""),
        ("GET", USERS, 200, AS_CSV | A_PAGE, "uid"),
        ("GET", "/admin/profiles", 200, JSON | A_PAGE | {"next-cursor": "c"}, []),
    ],
)
def test_answers_that_do_not_agree(
    method: str, path: str, status: int, headers: Mapping[str, str], body: Any
) -> None:
    assert disagreements(method, path, status, CIMultiDict(headers), body)
