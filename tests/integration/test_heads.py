"""Heads as large as the gateway promises to take reach every service; none is ever repeated."""

import json
import secrets

import aiohttp
import pytest

from tests.support.client import USER_AGENT, Client
from tests.support.system import NAMES, Installation
from tests.unit.shared.builders import raw, sent

SECRET = secrets.token_hex(8)
LARGE = 32_000
"""Bytes of one header; with what the client sends besides, about what the gateway takes."""


@pytest.mark.parametrize("path", ["identity/time", "resource/users/me", "admin/levels"])
@pytest.mark.parametrize("header", ["Cookie", "Referer", "X-Own"])
async def test_large_headers_reach_the_services(
    admin: Client, system: Installation, path: str, header: str
) -> None:
    headers = {"User-Agent": USER_AGENT, "Cookie": f"_barong_session={admin.cookie}"}
    headers[header] = f"{headers.get(header, '')}; a={'x' * LARGE}".removeprefix("; ")
    url = f"{system.gateway_url}/api/v2/barong/{path}?q={'x' * 8000}"
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
        http.get(url, headers=headers) as response,
    ):
        assert response.status == 200


@pytest.mark.parametrize(
    ("service", "listener"),
    [
        *((name, "public") for name in ("identity", "resource", "admin", "gateway")),
        *((name, "internal") for name in NAMES),
    ],
)
async def test_no_listener_repeats_what_it_refuses(
    system: Installation, service: str, listener: str
) -> None:
    url = system.public_url(service) if listener == "public" else system.internal_url(service)
    cookie = f"_barong_session={SECRET}".encode()
    for request, status, code in (
        (raw("GET", b"/", {"Cookie": cookie.ljust(100_000)}), 431, "headers_too_large"),
        (raw("GET", b"/?" + SECRET.encode() * 1000, {"Cookie": cookie}), 414, "uri_too_long"),
        (raw("GET", b"/", {"Cookie": cookie, "A b": b"c"}), 400, "malformed"),
        (raw("GET", b"/", {"Cookie": cookie + b"\x00"}), 400, "malformed"),
    ):
        answered, body = await sent(url, request)
        assert (answered, json.loads(body)) == (status, {"errors": [f"request.{code}"]})
