"""The access log: each line describes its own request, whatever is cached of others."""

import json
import subprocess
import sys
from typing import Any

WRITING = """
import asyncio
from ipaddress import ip_address
from types import SimpleNamespace
from prometheus_client import CollectorRegistry
from authz_gateway.http.access_log import AccessLog
from authz_gateway.http.connection import ClientConnection, Limits
from authz_gateway.http.parser import HeadLimits, RequestReader, read_request
from authz_gateway.http.request import Request
from shared.log import configure_logging
from shared.web.metrics import HttpMetrics

async def main():
    registry, limits = CollectorRegistry(), HeadLimits(100, 100, 10)
    server = SimpleNamespace(
        limits=Limits(limits, 0, 60.0, 60.0, 60.0),
        reader=RequestReader(limits),
        request_finished=print,
    )
    access_log = AccessLog(HttpMetrics(registry), flush_seconds={flush_seconds})
    for number, (method, route, status, uid, address, reason) in enumerate({requests!r}):
        peer = ClientConnection(server, asyncio.get_running_loop())
        peer.address, peer.address_text = ip_address(address), address
        data = f"{{method}} /x HTTP/1.1\\r\\nHost: a\\r\\nX-Request-Id: r{{number}}\\r\\n\\r\\n"
        request = Request(peer, read_request(data.encode(), limits), 0)
        request.route, request.uid, request.reason = route, uid, reason
        access_log.record(request, status)
        {between}
    {last}

configure_logging("a-service", json=True)
asyncio.run(main())
"""

REQUESTS: list[tuple[str, str, int, str | None, str, str | None]] = [
    ("GET", "/x", 200, "ID1", "10.0.0.1", None),
    ("GET", "/x", 200, "ID2", "10.0.0.1", None),
    ("GET", "/x", 200, "ID1", "10.0.0.2", None),
    ("GET", "/x", 401, None, "10.0.0.1", "authz.invalid_session"),
    ("GET", "/x", 401, None, "10.0.0.1", "authz.permission_denied"),
    ("PUT", '/"x"\\é', 200, "ID1", "fe80::1", None),
]


def test_each_line_describes_its_own_request() -> None:
    lines = lines_of([*REQUESTS, *reversed(REQUESTS)])
    fields = ("method", "route", "status", "uid", "address", "reason")
    logged = [tuple(line[name] for name in fields) for line in lines]
    assert logged == [*REQUESTS, *reversed(REQUESTS)]
    assert [line["request_id"] for line in lines] == [f"r{number}" for number in range(len(lines))]
    assert all(0 <= line["milliseconds"] < 60_000 for line in lines)
    assert {line["event"] for line in lines} == {"request"}


def test_lines_soon_after_others_are_written_in_one_batch() -> None:
    first, *others = lines_of(
        REQUESTS,
        flush_seconds=60,
        between="for _ in range(3): await asyncio.sleep(0)",
        last="access_log.flush()",
    )
    assert len(others) == len(REQUESTS) - 1
    assert {line["timestamp"] > first["timestamp"] for line in others} == {True}
    assert len({line["timestamp"] for line in others}) == 1


def test_after_a_pause_a_line_is_written_in_the_same_iteration() -> None:
    lines = lines_of(REQUESTS, between="for _ in range(2): await asyncio.sleep(0)", flush_seconds=0)
    assert len({line["timestamp"] for line in lines}) == len(REQUESTS)


def lines_of(
    requests: list[tuple[str, str, int, str | None, str, str | None]],
    between: str = "pass",
    last: str = "await asyncio.sleep(0)",
    flush_seconds: float = 0.005,
) -> list[Any]:
    """The lines that another process logs of these requests; it also runs the given code."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            WRITING.format(
                requests=requests, between=between, last=last, flush_seconds=flush_seconds
            ),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]
