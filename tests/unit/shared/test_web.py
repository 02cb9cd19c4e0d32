"""The applications around the handlers: errors, request ids, addresses, health and metrics."""

import asyncio
import base64
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
import structlog
from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from shared import errors
from shared.crypto.key_ring import KeyRing
from shared.declared import declared
from shared.errors import (
    Forbidden,
    Invalid,
    NotFound,
    Refusal,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from shared.tokens.service import ServiceTokens
from shared.values.addresses import networks
from shared.web.answers import answer
from shared.web.applications import WebLayer
from shared.web.context import CLIENT_ADDRESS
from shared.web.errors import STATUSES, status_of
from shared.web.fields import Text
from shared.web.health import Readiness
from shared.web.metrics import Registry
from shared.web.operations import NoParameters
from shared.web.principal import PRINCIPAL
from shared.web.routes import ANYONE, BEARER, CALLER, Route, services
from tests.unit.shared.builders import KEYS, Issuer, a_bearer, listening, raw, sent, served

RING = KeyRing.parse(KEYS)


class NameTaken(Invalid):
    codes = ("name.taken",)


class NameTakenTwice(NameTaken, Forbidden):
    """Derived from two kinds: the nearer counts."""


class Patient(Unavailable):
    retry_after = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Id:
    """The id in the path."""

    id: str = declared(Text(), "")


REFUSALS: Mapping[str, Exception] = {
    "taken": NameTaken(),
    "twice": NameTakenTwice(),
    "many": Invalid(["a", "b"]),
    "nobody": Unauthenticated(["who"]),
    "forbidden": Forbidden(["no"]),
    "gone": NotFound(),
    "down": Unavailable("geetest hunter2"),
    "patient": Patient("sms"),
    "often": Throttled(7),
    "bug": RuntimeError("hunter2"),
    "broken": ExceptionGroup("hunter2", [ValueError("hunter2")]),
    "timeout": TimeoutError("hunter2"),
}


async def fail(_request: web.Request, form: Id) -> web.Response:
    raise REFUSALS[form.id]


async def whoami(request: web.Request, _form: NoParameters) -> web.Response:
    return answer(
        {
            "uid": request[PRINCIPAL].uid if PRINCIPAL in request else None,
            "address": str(request[CLIENT_ADDRESS]),
            "logged": structlog.contextvars.get_contextvars(),
        }
    )


async def caller(request: web.Request, _form: NoParameters) -> web.Response:
    return answer({"caller": request[CALLER]})


ROUTES = (
    Route("GET", "/fail/{id}", ANYONE, fail),
    Route("GET", "/me", BEARER, whoami),
    Route("GET", "/anyone", ANYONE, whoami),
)


@pytest.fixture
async def address() -> AsyncIterator[str]:
    async with served(ROUTES, prefix="/api") as made:
        yield made


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as made:
        yield made


def test_every_kind_of_refusal_has_a_status() -> None:
    kinds = set(Refusal.__subclasses__()) & {
        value for value in vars(errors).values() if isinstance(value, type)
    }

    assert len(kinds) > 8
    assert kinds == set(STATUSES)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (errors.Malformed, 400),
        (errors.Missing, 400),
        (errors.Unauthenticated, 401),
        (errors.Forbidden, 403),
        (errors.NotFound, 404),
        (errors.TooLarge, 413),
        (errors.UnsupportedContent, 415),
        (errors.Invalid, 422),
    ],
)
def test_a_refusal_is_answered_by_its_nearest_kind(kind: type[Refusal], status: int) -> None:
    derived = type("Derived", (type("Between", (kind,), {}), Exception), {"codes": ("x",)})

    assert status_of(kind(["x"])) == status_of(derived()) == status
    assert derived().codes == ("x",)


@pytest.mark.parametrize(
    ("path", "status", "codes"),
    [
        ("taken", 422, ["name.taken"]),
        ("twice", 422, ["name.taken"]),
        ("many", 422, ["a", "b"]),
        ("nobody", 401, ["who"]),
        ("forbidden", 403, ["no"]),
        ("gone", 404, ["record.not_found"]),
        ("down", 503, ["server.unavailable"]),
        ("often", 429, ["request.throttled"]),
        ("bug", 500, ["server.internal_error"]),
        ("broken", 500, ["server.internal_error"]),
        ("timeout", 500, ["server.internal_error"]),
    ],
)
async def test_what_went_wrong_is_told_by_status_and_codes_alone(
    address: str, http: aiohttp.ClientSession, path: str, status: int, codes: list[str]
) -> None:
    async with http.get(f"{address}/api/fail/{path}") as response:
        assert response.status == status
        assert await response.json() == {"errors": codes}
        assert "hunter2" not in str(response.headers)
        assert ("Retry-After" in response.headers) is (status in (429, 503))


async def test_who_may_come_back_is_told_when(address: str, http: aiohttp.ClientSession) -> None:
    for path, seconds in (("down", "1"), ("patient", "30"), ("often", "7")):
        async with http.get(f"{address}/api/fail/{path}") as response:
            assert response.headers["Retry-After"] == seconds


async def test_the_unforeseen_is_logged_with_the_request_id(
    address: str, http: aiohttp.ClientSession
) -> None:
    with capture_logs(
        [structlog.contextvars.merge_contextvars, structlog.processors.format_exc_info]
    ) as logs:
        async with http.get(f"{address}/api/fail/bug", headers={"X-Request-Id": "my.id"}):
            pass

    [trace] = [entry for entry in logs if entry["event"] == "unforeseen_error"]
    assert trace["request_id"] == "my.id"
    assert "hunter2" in trace["exception"]
    [line] = [entry for entry in logs if entry["event"] == "request"]
    assert (line["request_id"], line["status"], line["reason"]) == (
        *("my.id", 500),
        "server.internal_error",
    )


@pytest.mark.parametrize("path", ["/api/anyone", "/api/fail/bug", "/api/fail/down", "/nowhere"])
async def test_every_answer_carries_the_request_id(
    address: str, http: aiohttp.ClientSession, path: str
) -> None:
    async with http.get(address + path, headers={"X-Request-Id": "Aa0._-"}) as response:
        assert response.headers["X-Request-Id"] == "Aa0._-"


@pytest.mark.parametrize(
    "offered", [b"", b"a" * 65, b"a b", b'"', b"a\xff", b"\xd9\xa1", b"$(id)", b"a,b"]
)
async def test_an_odd_request_id_is_replaced(address: str, offered: bytes) -> None:
    _, body = await sent(address, raw("GET", b"/api/anyone", {"X-Request-Id": offered}))

    assert re.search(rb'"request_id":"[0-9a-f]{32}"', body)


async def test_nothing_of_one_request_is_logged_with_the_next(
    address: str, http: aiohttp.ClientSession
) -> None:
    bearer = {"Authorization": f"Bearer {a_bearer()}"}
    async with http.get(f"{address}/api/me", headers=bearer) as response:
        assert (await response.json())["logged"].keys() == {"request_id", "uid"}
    async with http.get(f"{address}/api/anyone") as response:
        assert (await response.json())["logged"].keys() == {"request_id"}


async def test_the_address_is_that_before_the_trusted_proxies(http: aiohttp.ClientSession) -> None:
    for trusted, expected in (((), "127.0.0.1"), (networks("127.0.0.0/8"), "198.51.100.1")):
        app = WebLayer(Registry(), trusted).internal(
            ROUTES, service_tokens=ServiceTokens("x", RING), checks={}
        )
        headers = [("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-For", "198.51.100.1, 127.0.0.2")]
        async with (
            listening(app) as address,
            http.get(f"{address}/anyone", headers=headers) as response,
        ):
            assert (await response.json())["address"] == expected


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"Bearer",
        b"Bearer ",
        b"Bearer x",
        b"Bearer a.b.c",
        b"Bearer \xff.a.b",
        b"Bearer " + base64.urlsafe_b64encode(b"[" * 6000) + b".e30.e30",
        b"Bearer " + base64.urlsafe_b64encode(b'{"alg":"RS256","kid":' + b"[" * 3000) + b".e30.",
        b"Bearer " + base64.urlsafe_b64encode(b'{"alg":"RS256","kid":["a"]}') + b".e30.e30",
        b"Bearer " + base64.urlsafe_b64encode(b'{"alg":"RS256","kid":"\xff"}') + b".e30.e30",
        b"Bearer " + b"x" * 8100,
        b"Basic {token}",
        b"{token}",
        b"Bearer {token} {token}",
        b"Bearer {token},{token}",
        b"Bearer {token}\r\nAuthorization: Bearer {token}",
    ],
)
async def test_a_header_that_is_no_bearer_is_unauthenticated(address: str, header: bytes) -> None:
    value = header.replace(b"{token}", a_bearer().encode())

    status, body = await sent(address, raw("GET", b"/api/me", {"Authorization": value}))

    assert (status, body) == (401, b'{"errors": ["jwt.decode_and_verify"]}')


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer  ", "BEARER "])
async def test_a_bearer_is_known_whatever_the_case_of_its_scheme(address: str, scheme: str) -> None:
    header = {"Authorization": f"{scheme}{a_bearer()}".encode()}

    status, body = await sent(address, raw("GET", b"/api/me", header))

    assert status == 200
    assert b"ID0000000001" in body


async def test_without_keys_a_bearer_is_neither_good_nor_bad(http: aiohttp.ClientSession) -> None:
    issuer = Issuer()
    issuer.down = True
    async with served(ROUTES, issuer=issuer) as address:
        bearer = {"Authorization": f"Bearer {a_bearer()}"}
        async with http.get(f"{address}/me", headers=bearer) as response:
            assert response.status == 503
            assert "Retry-After" in response.headers


async def up() -> None:
    pass


async def down() -> None:
    raise OSError("hunter2")


async def hangs() -> None:
    await asyncio.sleep(60)


@pytest.mark.parametrize(
    ("checks", "status", "parts"),
    [
        ({}, 200, {}),
        ({"a": up, "b": up}, 200, {"a": "up", "b": "up"}),
        ({"a": up, "b": down, "c": down}, 503, {"a": "up", "b": "down", "c": "down"}),
    ],
)
async def test_readiness_names_what_is_down_and_not_why(
    http: aiohttp.ClientSession, checks: Any, status: int, parts: dict[str, str]
) -> None:
    app = WebLayer(Registry()).internal((), service_tokens=ServiceTokens("x", RING), checks=checks)
    async with listening(app) as address:
        async with http.get(f"{address}/health/ready") as response:
            said = {"status": "ready" if status == 200 else "unready", "parts": parts}
            assert (response.status, await response.json()) == (status, said)
        async with http.get(f"{address}/health/live") as response:
            assert response.status == 200


async def test_what_is_only_watched_makes_nothing_unready(http: aiohttp.ClientSession) -> None:
    app = WebLayer(Registry()).internal(
        (), service_tokens=ServiceTokens("x", RING), checks={"a": up}, watched={"b": down}
    )
    async with listening(app) as address, http.get(f"{address}/health/ready") as response:
        assert response.status == 200
        told = {"status": "ready", "parts": {"a": "up", "b": "down"}}
        assert await response.json() == told


@pytest.mark.parametrize("log_probes", [True, False])
async def test_probes_may_be_left_out_of_the_access_log(
    http: aiohttp.ClientSession, *, log_probes: bool
) -> None:
    layer = WebLayer(Registry(), log_probes=log_probes)
    app = layer.internal((), service_tokens=ServiceTokens("x", RING), checks={"a": down})
    async with listening(app) as address:
        with capture_logs() as logs:
            for path in ("/health/live", "/metrics", "/health/ready", "/nowhere"):
                async with http.get(f"{address}{path}"):
                    pass
    routes = [line["route"] for line in logs if line["event"] == "request"]
    probes = ["/health/live", "/metrics"] if log_probes else []
    assert routes == [*probes, "/health/ready", "unknown"]  # what fails is always logged


async def test_a_check_that_hangs_is_down_and_the_others_are_still_told(
    http: aiohttp.ClientSession,
) -> None:
    checks = {"slow": hangs, "slower": hangs, "good": up}
    app = web.Application()
    app.router.add_get("/health/ready", Readiness(checks, {}, seconds=0.05).answer)
    async with (
        listening(app) as address,
        asyncio.timeout(30),  # less than it hangs
        http.get(f"{address}/health/ready") as response,
    ):
        told = (await response.json())["parts"]
        assert told == {"slow": "down", "slower": "down", "good": "up"}


async def test_the_internal_api_is_for_the_services_of_the_route(
    http: aiohttp.ClientSession,
) -> None:
    route = Route("GET", "/inside", services("mailer-svc"), caller)
    tokens = ServiceTokens("identity-svc", RING)
    app = WebLayer(Registry()).internal((route,), service_tokens=tokens, checks={})
    async with listening(app) as address:
        for service, status in (("mailer-svc", 200), ("admin-svc", 401)):
            token = ServiceTokens(service, RING).issue("identity-svc")
            bearer = {"Authorization": f"Bearer {token}"}
            async with http.get(f"{address}/inside", headers=bearer) as response:
                assert response.status == status
        junk = raw("GET", b"/inside", {"Authorization": b"Bearer \xff"})
        assert await sent(address, junk) == (401, b'{"errors": ["service_token.invalid"]}')


def labels(registry: Registry) -> set[tuple[str, str, str]]:
    return {
        (sample.labels["method"], sample.labels["route"], sample.labels["status"])
        for family in text_string_to_metric_families(generate_latest(registry).decode())
        for sample in family.samples
        if sample.name == "http_requests_total"
    }


async def test_labels_of_metrics_are_bounded_whatever_is_asked_for() -> None:
    registry = Registry()
    async with served(ROUTES, prefix="/api", registry=registry) as address:
        for number in range(3):
            for target in (b"/api/fail/gone?%d", b"/api/fail/gone/?%d", b"/nowhere/%d"):
                await sent(address, raw("GET", target % number))
            for method in ("PROPFIND", "MKCOL", "TRACE", "DELETE"):
                await sent(address, raw(method, b"/api/anyone"))
            await sent(address, raw("HEAD", b"/api/anyone"))

    assert labels(registry) == {
        ("GET", "/api/fail/{id}", "404"),
        ("GET", "unknown", "404"),
        ("OTHER", "unknown", "404"),
        ("DELETE", "unknown", "404"),
        ("HEAD", "/api/anyone", "200"),
    }


async def test_metrics_are_served_inside_only(http: aiohttp.ClientSession, address: str) -> None:
    layer = WebLayer(Registry())
    app = layer.internal((), service_tokens=ServiceTokens("x", RING), checks={})
    async with listening(app) as inside, http.get(f"{inside}/metrics") as response:
        assert response.content_type == "text/plain"
        assert "process_cpu_seconds_total" in await response.text()
    for path in ("/metrics", "/health/live", "/health/ready", "/api/metrics"):
        async with http.get(address + path) as response:
            assert response.status == 404
