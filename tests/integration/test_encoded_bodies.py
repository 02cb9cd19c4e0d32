"""Compressed bodies are refused by every service before they are looked into, and stop nobody."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.support.client import USER_AGENT, Client
from tests.support.system import Installation

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
]


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
