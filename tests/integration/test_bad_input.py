"""Whatever is sent to whatever operation, the answer is never an error of ours."""

import dataclasses
import itertools
import random
import re
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import quote_from_bytes

import aiohttp
import pytest
from yarl import URL

from admin_svc import routes as admin
from identity_svc import routes as identity
from resource_svc import routes as resource
from shared.web.routes import Route
from tests.support.client import USER_AGENT, Client
from tests.support.system import Installation

SECONDS = 8
"""How long a service is tried, after every operation had its turn."""
TURNS = 25

ROUTES = {"identity": identity.PUBLIC, "resource": resource.PUBLIC, "admin": admin.PUBLIC}
"""The public operations of each service; another service needs a line here and nothing else."""

TEXTS = (
    *(b"", b" ", b"\x00", b"a\x00b", b"\x01", b"\x1b[31m", b"\x7f", b"\r\nX-Odd: 1", b"\t"),
    *(b"\xff", b"\xc3(", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf"),
    *("\u202e".encode(), "\ufeff".encode(), "é́".encode(), "💥".encode() * 50, "İ".encode()),
    *(b"-1", b"1.5", b"1e999", b"9" * 17, b"9" * 40, b"-" + b"9" * 40, b"NaN", b"0x10"),
    *("٣".encode(), "\uff11\uff12".encode(), b"true", b"null", b"[]", b"{}", b"[" * 900),
    *(b"..", b"../..", b"a/b", b"%00", b"%2e", b"{{7*7}}", b"' OR 1=1 --", b"%s%n", b"\\"),
    *(b"2026-02-30", b"0000-00-00", b"9999-12-31", b"31/31/9999", b"x" * 256, b"x" * 3000),
)
VALUES: tuple[Any, ...] = (
    *(None, True, False, -1, 1.5, 10**30, -(10**400), 1e308, 2**31, 2**63),
    *([], {}, [[]], [None], ["x"], {"x": "y"}, {"": None}, {"\x00": "\x00"}, ["\x00"], [1, "x"]),
    *("\x00", "\ud800", "a\udfffb", "\x1b", "x" * 70_000, "\u202e", "é" * 1025),
    *(list(range(1000)), {str(n): n for n in range(300)}, [[[[[[[[[["deep"]]]]]]]]]]),
)
BODIES = (
    *(b"", b"{", b"[]", b"null", b'"x"', b"1", b"NaN", b'{"a":NaN}', b"{}{}", b"\xff\xfe", b"\x00"),
    *(b"[" * 100_000, b'{"a":' * 5_000, b'{"a":"\\ud800"}', b"=&=&[]=&%", b"&" * 500),
    *(b"--x\r\n", b"--x\r\n\r\n--x--", b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--"),
    *(b"x" * 300_000, b"\xef\xbb\xbf{}", b"a=%", b"a=%ff", b"a=%00", b"a[b]=1&a=2&a[]=3"),
)
TYPES = (
    *("application/json", "application/x-www-form-urlencoded", "text/plain", "nonsense", ""),
    *("application/json; charset=utf-16", "application/json; charset=nope"),
    *("multipart/form-data", "multipart/form-data; boundary=x", "multipart/mixed; boundary=x"),
)


@dataclasses.dataclass(frozen=True)
class Call:
    """One odd call; its repr says how to make it again."""

    method: str
    path: str
    options: dict[str, Any]

    def __repr__(self) -> str:
        return f"{self.method} {self.path} {self.options}"[:2000]


class Oddity:
    """Odd calls of one operation."""

    def __init__(self, route: Route[Any], service: str, chance: random.Random) -> None:
        self._method = route.method
        self._path = f"/api/v2/barong/{service}" + route.path.removeprefix(f"/api/v2/{service}")
        names = [field.name for field in dataclasses.fields(route.operation.form)]
        in_path = re.findall(r"\{(\w+)", route.path)
        self._names = [name for name in names if name not in in_path] or ["odd"]
        self._chance = chance

    def calls(self) -> Iterator[Call]:
        """For ever, each another way to send parameters in turn."""
        for way in itertools.cycle((self._query, self._form, self._json, self._files, self._raw)):
            path, options = way(self._filled_path())
            yield Call(self._method, path, options)

    def _filled_path(self) -> str:
        return re.sub(r"\{[^}]+\}", lambda _: self._quoted() or "%20", self._path)

    def _quoted(self) -> str:
        return quote_from_bytes(self._chance.choice(TEXTS)[:500], safe="")

    def _pairs(self) -> str:
        chosen = self._chance.sample(self._names, self._chance.randint(1, len(self._names)))
        brackets = ("", "", "", "[]", "[a]", "[")
        return "&".join(f"{n}{self._chance.choice(brackets)}={self._quoted()}" for n in chosen)

    def _query(self, path: str) -> tuple[str, dict[str, Any]]:
        return f"{path}?{self._pairs()}", {}

    def _form(self, path: str) -> tuple[str, dict[str, Any]]:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return path, {"data": self._pairs().encode(), "headers": headers}

    def _json(self, path: str) -> tuple[str, dict[str, Any]]:
        return path, {"json": {name: self._chance.choice(VALUES) for name in self._names}}

    def _files(self, path: str) -> tuple[str, dict[str, Any]]:
        parts = b"".join(map(self._part, self._names))
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        return path, {"data": parts + b"--x--\r\n", "headers": headers}

    def _part(self, name: str) -> bytes:
        name += self._chance.choice(("", "[]"))
        file = self._chance.choice(("", "a.png", "a.exe", "é", "../a.pdf", "a\x00.png"))
        head = f'--x\r\nContent-Disposition: form-data; name="{name}"'
        head += f'; filename="{file}"' if file else ""
        return head.encode() + b"\r\n\r\n" + self._chance.choice(TEXTS) + b"\r\n"

    def _raw(self, path: str) -> tuple[str, dict[str, Any]]:
        headers = {"Content-Type": self._chance.choice(TYPES)}
        return path, {"data": self._chance.choice(BODIES), "headers": headers}


@pytest.fixture
async def caller(
    service: str, client: Client, system: Installation
) -> AsyncIterator[aiohttp.ClientSession]:
    """Who may call the service's operations, as far as they are not for everyone."""
    headers = {"User-Agent": USER_AGENT}
    if service == "resource":
        assert (await client.become_member()).status == 201
    if service == "admin":
        assert (await client.log_in_as_superadmin()).status == 201
    if client.cookie:
        headers["Cookie"] = f"_barong_session={client.cookie}"
        headers["X-CSRF-Token"] = client.csrf_token
    async with aiohttp.ClientSession(
        headers=headers, cookie_jar=aiohttp.DummyCookieJar(), timeout=aiohttp.ClientTimeout(60)
    ) as made:
        yield made


@pytest.mark.parametrize("service", ROUTES)
async def test_nothing_that_is_sent_is_an_error_of_ours(
    service: str, caller: aiohttp.ClientSession, system: Installation
) -> None:
    seed = random.randrange(10**9)
    chance = random.Random(seed)
    ways = [Oddity(route, service, chance).calls() for route in ROUTES[service]]
    until = time.monotonic() + SECONDS
    for turn in range(TURNS):
        if turn and time.monotonic() > until:
            break
        for calls in ways:
            call = next(calls)
            url = URL(system.gateway_url + call.path, encoded=True)
            async with caller.request(call.method, url, **call.options) as got:
                body = await got.text()
            assert got.status < 500, f"{got.status} {body}, seed {seed}: {call}"
            # The calls were looked at, and none of them ended the session.
            assert service == "identity" or got.status != 401, f"{body}, seed {seed}: {call}"


@pytest.mark.parametrize("path", ["identity/ping", "resource/users/me", "admin/levels"])
@pytest.mark.parametrize("method", ["FOO", "PROPFIND"])
async def test_an_unknown_verb_finds_no_route(client: Client, method: str, path: str) -> None:
    answer = await client.call(method, path)
    assert (answer.status, answer.body) == (404, {"error": "Route is not found"})
