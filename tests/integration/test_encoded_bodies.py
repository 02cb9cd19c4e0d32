"""Compressed bodies are refused by every service before they are looked into, and stop nobody."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.support.client import USER_AGENT, Client
from tests.support.system import INITIAL_ACCESS_TOKEN, Installation

FORM = "application/x-www-form-urlencoded"
BOMB = gzip.compress(b"email=" + b"a" * 50_000_000)
PACKED = {
    "gzip": BOMB,
    "deflate": zlib.compress(b"email=a"),
    "br": b"\x0b\x02",
    "zstd": b"\x28\xb5",
}
OPERATIONS = [
    ("POST", "identity/sessions"),
    ("POST", "identity/users"),
    ("POST", "resource/documents"),
    ("PUT", "resource/users/me"),
    ("PUT", "admin/profiles"),
    ("POST", "admin/users/labels"),
    ("POST", "admin/webhooks"),
    ("POST", "admin/oauth_clients"),
]
OAUTH_ENDPOINTS = {
    "/oauth/token": (FORM, "invalid_request"),
    "/oauth/introspect": (FORM, "invalid_request"),
    "/oauth/revoke": (FORM, "invalid_request"),
    "/oauth/par": (FORM, "invalid_request"),
    "/oauth/device_authorization": (FORM, "invalid_request"),
    "/oauth/register": ("application/json", "invalid_client_metadata"),
}
PAGES = ["/oauth/authorize", "/oauth/logout", "/account/log-in"]


@pytest.fixture
async def headers(admin: Client) -> dict[str, str]:
    """Those of a superadmin."""
    cookie = f"_barong_session={admin.cookie}"
    return {"User-Agent": USER_AGENT, "Cookie": cookie, "X-CSRF-Token": admin.csrf_token}


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(10)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), timeout=timeout) as made:
        yield made


@pytest.mark.parametrize("encoding", PACKED)
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_an_encoded_body_is_refused(
    system: Installation,
    http: aiohttp.ClientSession,
    headers: dict[str, str],
    method: str,
    path: str,
    encoding: str,
) -> None:
    url = f"{system.gateway_url}/api/v2/barong/{path}"
    packed = headers | {"Content-Type": FORM, "Content-Encoding": encoding}
    async with http.request(method, url, data=PACKED[encoding], headers=packed) as response:
        assert response.status == 415
        assert response.headers["Accept-Encoding"] == "identity"
        assert await response.json() == {"errors": ["request.unsupported_encoding"]}


@pytest.mark.parametrize("encoding", PACKED)
@pytest.mark.parametrize("path", OAUTH_ENDPOINTS)
async def test_the_oauth_provider_refuses_it_as_oauth_does(
    system: Installation, http: aiohttp.ClientSession, path: str, encoding: str
) -> None:
    """Also a body that is not encoded, but is said to be."""
    content_type, error = OAUTH_ENDPOINTS[path]
    packed = {
        "Content-Type": content_type,
        "Content-Encoding": encoding,
        "Authorization": f"Bearer {INITIAL_ACCESS_TOKEN}",
    }
    for body in (PACKED[encoding], b"grant_type=refresh_token"):
        async with http.post(f"{system.gateway_url}{path}", data=body, headers=packed) as response:
            assert response.status == 415
            assert response.headers["Accept-Encoding"] == "identity"
            assert (await response.json())["error"] == error


@pytest.mark.parametrize("path", PAGES)
async def test_pages_refuse_it_with_a_page(
    system: Installation, http: aiohttp.ClientSession, path: str
) -> None:
    packed = {"Content-Type": FORM, "Content-Encoding": "gzip"}
    async with http.post(f"{system.gateway_url}{path}", data=BOMB, headers=packed) as response:
        assert response.status == 415
        assert response.content_type == "text/html"


@pytest.mark.parametrize("path", ["identity/sessions", "identity/users/email/confirm_code"])
async def test_nothing_of_it_is_waited_for(
    system: Installation, http: aiohttp.ClientSession, path: str
) -> None:
    """The rest of the body never comes: whoever looked into it would not answer."""
    never = asyncio.Event()

    async def beginning() -> AsyncIterator[bytes]:
        yield BOMB[: len(BOMB) // 2]
        await never.wait()

    url = f"{system.public_url('identity')}/api/v2/{path}"
    packed = {"Content-Type": FORM, "Content-Encoding": "gzip"}
    async with http.post(url, data=beginning(), headers=packed) as response:
        assert response.status == 415
    never.set()
