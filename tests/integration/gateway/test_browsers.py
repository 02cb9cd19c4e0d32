"""CORS, response headers for browsers, and rate limits."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from shared.process import running
from tests.support.aiohttp_app import serving
from tests.support.client import USER_AGENT, Client
from tests.support.system import ROOT, Installation
from tests.support.waiting import until

PAGE, OTHER = "https://app.example.com", "https://evil.example"
KEPT_OUT = "2001:db8:ffff::1"
ROUTES = """
- {{prefix: /own, access: public, upstream: "{upstream}"}}
- {{prefix: /rare, access: public, upstream: "{upstream}", rate: 2/h}}
- prefix: /api/v2/barong/resource/labels
  access: required
  rate: 2/h
  upstream: ${{BARONG_RESOURCE_URL}}
  rewrite: /api/v2/resource/labels
"""
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}


async def careless(_request: web.Request) -> web.Response:
    """An upstream that allows all origins with credentials, and discloses its software."""
    return web.Response(
        headers={
            "Access-Control-Allow-Origin": OTHER,
            "Access-Control-Allow-Credentials": "true",
            "Cache-Control": "max-age=60",
            "Server": "careless/1.0",
            "X-Frame-Options": "SAMEORIGIN",
        }
    )


@asynccontextmanager
async def an_upstream() -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", careless)
    async with serving(app) as url:
        yield url


@pytest.fixture(scope="module")
async def routes(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Path]:
    file = tmp_path_factory.mktemp("routes") / "routes.yaml"
    async with an_upstream() as upstream:
        default = (ROOT / "deploy/config/routes.yaml").read_text()
        file.write_text(default + ROUTES.format(upstream=upstream))
        yield file


@asynccontextmanager
async def gateway(
    system: Installation, routes: Path, **settings: str
) -> AsyncIterator[aiohttp.ClientSession]:
    """An HTTP client of a separate gateway that has loaded its policy."""
    free = {"BARONG_PORT": "0", "BARONG_INTERNAL_PORT": "0", "BARONG_ROUTES_FILE": str(routes)}
    async with (
        running(system.service("gateway", **free, **settings)) as addresses,
        aiohttp.ClientSession(
            addresses.public,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": USER_AGENT},
        ) as http,
    ):

        async def ready() -> bool:
            async with http.get(f"{addresses.internal}/health/ready") as got:
                return got.status == 200

        await until(ready)
        yield http


@pytest.fixture(scope="module")
async def http(
    system: Installation, admin: Client, routes: Path
) -> AsyncIterator[aiohttp.ClientSession]:
    """A gateway that one origin may call with the session cookie; one address is restricted."""
    form = {"category": "maintenance", "scope": "ip", "value": KEPT_OUT}
    made = await admin.post("admin/restrictions", form)
    assert made.status == 201
    settings = {
        "BARONG_API_CORS_ORIGINS": PAGE,
        "BARONG_API_CORS_ALLOW_CREDENTIALS": "true",
        "BARONG_API_CORS_MAX_AGE": "7",
        "BARONG_THROTTLING": "true",
    }
    async with gateway(system, routes, **settings) as calls:
        yield calls
    await admin.call("DELETE", "admin/restrictions", params={"id": made.body["id"]})


ASKED = {"Origin": PAGE, "Access-Control-Request-Method": "PUT"}
ALLOWED = {
    "Access-Control-Allow-Origin": PAGE,
    "Access-Control-Allow-Credentials": "true",
    "Vary": "Origin",
}


@pytest.mark.parametrize("path", ["/resource/users/me", "/admin/users", "/own/x", "/nowhere"])
@pytest.mark.parametrize("address", ["198.51.100.1", KEPT_OUT])
async def test_a_preflight_is_answered(
    http: aiohttp.ClientSession, path: str, address: str
) -> None:
    """Without credentials, and from every address: the page can read the answer to the call."""
    headers = {
        **ASKED,
        "Access-Control-Request-Headers": "x-csrf-token",
        "X-Forwarded-For": address,
    }
    async with http.options(path, headers=headers) as got:
        assert (got.status, await got.read()) == (204, b"")
        expected = ALLOWED | {
            "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
            "Access-Control-Allow-Headers": "x-csrf-token",
            "Access-Control-Max-Age": "7",
        }
        assert {name: got.headers.getall(name) for name in expected} == {
            name: [value] for name, value in expected.items()
        }


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/identity/time", {}, 200),
        ("/resource/users/me", {}, 401),
        ("/identity/time", {"X-Forwarded-For": KEPT_OUT}, 471),
        ("/nowhere", {}, 404),
        ("/own//x", {}, 400),
        ("/own/x", {}, 200),
    ],
)
async def test_a_page_may_read_every_answer(
    http: aiohttp.ClientSession, path: str, headers: dict[str, str], status: int
) -> None:
    async with http.get(path, headers={"Origin": PAGE, **headers}) as got:
        assert got.status == status
        expected = {name: [value] for name, value in ALLOWED.items()}
        assert {name: got.headers.getall(name) for name in expected} == expected
        exposed = got.headers["Access-Control-Expose-Headers"].split(", ")
        paging = {"Total", "Total-Relation", "Page", "Per-Page", "Link", "Next-Cursor"}
        assert {*paging, "X-Request-Id"} <= set(exposed)


@pytest.mark.parametrize("headers", [{"Origin": OTHER}, {"Origin": "null"}, {}])
async def test_another_page_may_read_nothing(
    http: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    asked = {**headers, "Access-Control-Request-Method": "PUT"}
    for path in ("/own/x", "/identity/time", "/nowhere"):
        async with http.get(path, headers=headers) as got:
            assert got.headers["Vary"] == "Origin"
            assert not [name for name in got.headers if name.lower().startswith("access-control")]
    async with http.options("/own/x", headers=asked) as got:
        assert got.status == (204 if headers else 200)
        assert not [name for name in got.headers if name.lower().startswith("access-control")]


async def test_by_default_every_page_may_call_without_credentials(
    system: Installation, routes: Path
) -> None:
    async with gateway(system, routes) as http:
        async with http.get("/own/x", headers={"Origin": OTHER}) as got:
            assert got.headers.getall("Access-Control-Allow-Origin") == ["*"]
            assert "Access-Control-Allow-Credentials" not in got.headers
        async with http.options("/own/x", headers=ASKED) as got:
            assert got.headers.getall("Access-Control-Allow-Origin") == ["*"]


async def test_a_preflight_in_forward_auth_needs_a_permission(
    http: aiohttp.ClientSession,
) -> None:
    """If it were allowed, it would reach the upstream without credentials."""
    async with http.options("/api/v2/auth/resource/users/me", headers=ASKED) as got:
        assert (got.status, await got.json()) == (401, {"errors": ["authz.invalid_session"]})


async def test_an_upstream_decides_what_is_its_own(http: aiohttp.ClientSession) -> None:
    async with http.get("/own/x") as got:
        expected = SECURITY | {"X-Frame-Options": "SAMEORIGIN", "Cache-Control": "max-age=60"}
        assert {name: got.headers.getall(name) for name in expected} == {
            name: [value] for name, value in expected.items()
        }
        assert "Server" not in got.headers


@pytest.mark.parametrize("path", ["/resource/users/me", "/nowhere", "/resource//x"])
async def test_answers_are_not_for_shared_caches(
    http: aiohttp.ClientSession, client: Client, path: str
) -> None:
    await client.become_member()
    headers = {"Cookie": f"_barong_session={client.cookie}"}
    async with http.get(path, headers=headers) as got:
        expected = SECURITY | {"Cache-Control": "no-store"}
        assert {name: got.headers.getall(name) for name in expected} == {
            name: [value] for name, value in expected.items()
        }
        assert "Server" not in got.headers
        assert "Strict-Transport-Security" not in got.headers


async def test_in_production_there_is_hsts(system: Installation, routes: Path) -> None:
    settings = {"BARONG_ENV": "production", "BARONG_HSTS_SECONDS": "99"}
    async with gateway(system, routes, **settings) as http, http.get("/own/x") as got:
        assert got.headers["Strict-Transport-Security"] == "max-age=99"


async def test_these_headers_can_be_switched_off(system: Installation, routes: Path) -> None:
    settings = {"BARONG_SECURITY_HEADERS": "false"}
    async with gateway(system, routes, **settings) as http, http.get("/identity/time") as got:
        assert got.status == 200
        assert not set(SECURITY) & set(got.headers)


async def test_a_call_above_the_rate_gets_retry_after(
    http: aiohttp.ClientSession, client: Client
) -> None:
    """For a user from all addresses together, for an anonymous client by address."""
    await client.become_member()
    cookie = {"Cookie": f"_barong_session={client.cookie}"}
    for path, headers in (("/rare", {}), ("/resource/labels", cookie)):
        for _ in range(2):
            async with http.get(path, headers=headers) as got:
                assert got.status == 200
        async with http.get(path, headers=headers) as got:
            assert (got.status, await got.json()) == (429, {"errors": ["request.throttled"]})
            assert 0 < int(got.headers["Retry-After"]) <= 1800
    async with http.get("/rare", headers={"X-Forwarded-For": "192.0.2.251"}) as got:
        assert got.status == 200


async def test_without_throttling_there_are_no_rates(system: Installation, routes: Path) -> None:
    async with gateway(system, routes, BARONG_THROTTLING="false") as http:
        for _ in range(5):
            async with http.get("/rare") as got:
                assert got.status == 200
