"""Request smuggling: real upstreams read the same requests that the gateway forwards."""

import asyncio
import os
import random
import re
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from aiohttp import web

from deploy.local import ports, processes
from tests.support import programs
from tests.support.aiohttp_app import serving
from tests.support.transport import Gateway, Raw, gateway
from tests.support.waiting import until
from tests.unit.gateway.test_parser import BROKEN

ROUTE = '- {{prefix: /x, access: public, upstream: "{up}"}}'
LIMITS = {f"BARONG_{what}_TIMEOUT": "1" for what in ("HEADER", "IDLE", "STALL")}
TOGETHER = 80

HIDDEN = b"GET /x/hidden HTTP/1.1\r\nHost: gateway\r\n\r\n"
CHUNKED = b"POST /x/open HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: chunked\r\n\r\n"
BROKEN_BODIES = [
    *(CHUNKED + start for start in (b"x\r\n", b"-1\r\n", b"+1\r\n", b"0x1\r\n", b" 1\r\n", b"\n")),
    *(CHUNKED + b"1" + end + b"a\r\n" for end in (b"\n", b"\r", b"\r\r\n", b" \r\n", b";\x00\r\n")),
    *(CHUNKED + b"1;a" + end + b"b\r\na\r\n" for end in (b"\n", b"\r", b"\x0b\n", b"\x7f\n")),
    *(CHUNKED + b"1\r\na" + end for end in (b"b\r\n", b"\n", b"\r\r\n", b"0\r\n\r\n")),
    *(CHUNKED + b"0\r\n" + end for end in (b"\n", b" \r\n\r\n", b"X : y\r\n\r\n", b"X\r\n\r\n")),
    CHUNKED + b"1" * 17 + b"\r\n",
]

WELL_FORMED = (
    b"GET /x/%d/a HTTP/1.1\r\nHost: gateway\r\nX: y\r\n\r\n",
    b"POST /x/%d/b HTTP/1.1\r\nHost: gateway\r\nContent-Length: 46\r\n\r\n"
    b"GET /x/%d/hidden HTTP/1.1\r\nHost: gateway\r\n\r\n",
    b"PUT /x/%d/c?d HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"2e\r\nGET /x/%d/hidden HTTP/1.1\r\nHost: gateway\r\n\r\n\r\n0\r\nX: y\r\n\r\n",
    b"HEAD /x/%d/d HTTP/1.1\r\nHost: gateway\r\nContent-Length: 0\r\nConnection: x\r\n\r\n",
)
PIECES = (
    *(b"\r", b"\n", b"\r\n", b"\r\n\r\n", b" ", b"\t", b"\x00", b"\x0b", b":", b";", b",", b"0"),
    *(b"Content-Length: 3\r\n", b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n"),
    *(b"Transfer-Encoding: identity\r\n", b"Transfer-Encoding:\x0bchunked\r\n", b"Expect: x\r\n"),
    *(b"Connection: close\r\n", b"Connection: content-length, transfer-encoding, host\r\n"),
    *(b"Connection: upgrade\r\nUpgrade: websocket\r\n", b"Content_Length: 3\r\n", b"0\r\n\r\n"),
    *(b"X-HTTP-Method-Override: GET\r\n", b"Host: other\r\n", b"Transfer-Encoding : chunked\r\n"),
    *(b" HTTP/1.0\r\n", b"GET /x/1/piece HTTP/1.1\r\nHost: gateway\r\n\r\n", b"\xff", b"%0d%0a"),
)


@dataclass(frozen=True, slots=True)
class Witness:
    """An upstream that records each complete request as a line with method and target.

    Its responses have the header `Seen`.
    """

    url: str
    lines: Callable[[], Sequence[str]]


@asynccontextmanager
async def aiohttp_upstream(_folder: Path) -> AsyncIterator[Witness]:
    seen: list[str] = []

    async def tell(request: web.Request) -> web.Response:
        await request.read()
        seen.append(f"{request.method} {request.raw_path}")
        return web.Response(headers={"Seen": "1"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", tell)
    async with serving(app) as url:
        yield Witness(url, lambda: seen)


NGINX = """
daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
events {{}}
http {{
    log_format seen '$request_method $request_uri';
    map $status $answered {{ 200 1; default 0; }}
    access_log {folder}/seen seen if=$answered;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        add_header Seen 1 always;
        location / {{ return 200; }}
    }}
}}
"""


@asynccontextmanager
async def nginx_upstream(folder: Path) -> AsyncIterator[Witness]:
    port = ports.free_ports(1)[0]
    url, seen = f"http://127.0.0.1:{port}", folder / "seen"
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port))
    program = programs.nginx()
    command: list[str | Path] = [
        *(program.file, "-p", folder, "-e", "stderr", "-c", folder / "nginx.conf")
    ]
    env, log = {**os.environ, **program.env}, folder / "log"
    process = processes.start(command, mark=folder, env=env, log=log)

    async def listens() -> bool:
        with suppress(OSError):
            async with Raw.to(url):
                return True
        return False

    try:
        await until(listens)
        yield Witness(url, lambda: seen.read_text(errors="replace").splitlines())
    finally:
        await asyncio.to_thread(processes.stop, process, signal.SIGTERM, 10)


@pytest.fixture(scope="module", params=[aiohttp_upstream, nginx_upstream], ids=["aiohttp", "nginx"])
async def witness(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Witness]:
    async with request.param(tmp_path_factory.mktemp("upstream")) as made:
        yield made


@pytest.fixture(scope="module")
async def front(
    witness: Witness, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    folder = tmp_path_factory.mktemp("gateway")
    async with gateway(folder, ROUTE.format(up=witness.url), settings=LIMITS) as made:
        yield made


@dataclass(frozen=True, slots=True)
class Answered:
    status: int
    by_upstream: bool


async def answers(front: Gateway, data: bytes) -> list[Answered]:
    """The answer to these bytes, until the gateway closes the connection."""
    found: list[Answered] = []
    async with Raw.to(front.public) as client:
        await client.send(data)
        with suppress(asyncio.IncompleteReadError, ConnectionResetError):
            while True:
                status, headers = await client.head()
                found.append(Answered(status, "seen" in headers))
                if "seen" not in headers:
                    await client.exactly(int(headers.get("content-length", "0")))
                elif headers.get("transfer-encoding") == "chunked":
                    await client.until(b"0\r\n\r\n")
    return found


@pytest.mark.parametrize("data", [*BROKEN, *BROKEN_BODIES])
async def test_requests_after_a_malformed_one_are_not_forwarded(
    front: Gateway, witness: Witness, data: bytes
) -> None:
    got = await answers(front, data + HIDDEN)
    assert [each.status for each in got] == [400]
    assert not any(" /x/hidden" in line for line in witness.lines())


@pytest.mark.parametrize("seed", range(4))
async def test_gateway_and_upstream_read_the_same_requests(
    front: Gateway, witness: Witness, seed: int
) -> None:
    """Requests with hostile parts anywhere: as many are seen as are answered."""
    chance = random.Random(seed)
    numbers = range(1000 * (seed + 1), 1000 * (seed + 1) + 2 * TOGETHER)
    for begin in range(0, len(numbers), TOGETHER):
        batch = numbers[begin : begin + TOGETHER]
        got = await asyncio.gather(*(answers(front, hostile(chance, n)) for n in batch))
        for number, answered in zip(batch, got, strict=True):
            passed = sum(each.by_upstream for each in answered)
            await until(partial(at_least, witness, number, passed))  # nginx writes its log later
            assert seen(witness, number) == passed, f"{seed}: {number}"
            assert {each.status for each in answered if not each.by_upstream} <= OURS


OURS = {400, 404, 408, 413, 414, 431}


def hostile(chance: random.Random, number: int) -> bytes:
    """Some requests, with one to three hostile parts inserted or in place of others."""
    requests = chance.choices(WELL_FORMED, k=chance.randint(1, 3))
    data = b"".join(each % ((number,) * each.count(b"%d")) for each in requests)
    for _ in range(chance.randint(1, 3)):
        at = chance.choice([chance.randrange(len(data)), *places(data)])
        skipped = chance.choice([0, 0, 1, 2])
        data = data[:at] + chance.choice(PIECES) + data[at + skipped :]
    return data


def places(data: bytes) -> list[int]:
    """The beginnings and ends of lines and values."""
    return [match.start() for match in re.finditer(rb"\r\n|(?<=\n)|: |/x", data)]


async def at_least(witness: Witness, number: int, count: int) -> bool:
    return seen(witness, number) >= count


def seen(witness: Witness, number: int) -> int:
    return sum(f"/x/{number}/" in line for line in witness.lines())
