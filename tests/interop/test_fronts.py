"""Every row of the table through a proxy in front of the gateway: both read the same requests."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import pytest

from tests.interop.checks import assert_arrived, assert_clean_request, assert_got_their_own
from tests.interop.exercise import Got, Place, answer, arrived, head, next_clients
from tests.interop.known_faults import expect_known_faults
from tests.interop.servers import Front, UpstreamServer
from tests.interop.table import FRAMING, LINES, PATHS, ROWS, Row
from tests.interop.table import request as a_request
from tests.support import carrying_proxies
from tests.support.transport import Gateway, Raw

REFUSED_BY: Mapping[str, frozenset[str]] = {
    "nginx": frozenset(
        {
            *("authorization-twice", "coding-padded", "host-empty", "http-1.0-without-host"),
            *("length-padded", "trace"),
        }
    ),
    "haproxy": frozenset(),
    "envoy": frozenset(
        {
            *("connection-names-the-host", "expect-of-1.0", "http-1.0", "http-1.0-early-hints"),
            *("http-1.0-kept", "http-1.0-kept-post", "http-1.0-trailers", "http-1.0-without-host"),
            *("upgrade-to-websocket-where-there-is-none", "upgrade-with-a-body"),
        }
    ),
}
"""Requests that a proxy refuses by itself, although the gateway would accept them."""

CHANGED_BY: Mapping[str, frozenset[str]] = {
    # It sends its own Connection header, and forwards the fields that the client's listed.
    "nginx": frozenset({"connection-names-headers", "connection-names-the-encoding", "hop-by-hop"}),
    "haproxy": frozenset(),
    "envoy": frozenset({"connection-names-the-length"}),  # it sends the body in chunks
}
"""Requests whose headers a proxy changes."""

ASKING = {"nginx": carrying_proxies.nginx, "envoy": carrying_proxies.envoy}
"""Proxies with a forward-auth example in `deploy/`."""

ASKED = [row for row in (*FRAMING, *LINES, *PATHS) if row.id != "query-long"]
"""The rows for these; nginx refuses a response head with so long a target."""

CANNOT = {
    ("nginx", "early-hints"): "before 1.29, nginx takes 103 for the whole answer",
    ("nginx", "early-hints-to-a-head"): "before 1.29, nginx takes 103 for the whole answer",
    ("nginx", "http-1.0-early-hints"): "before 1.29, nginx takes 103 for the whole answer",
}
"""Features that a proxy does not support."""


@pytest.fixture(params=ROWS, ids=lambda row: row.id)
def row(request: pytest.FixtureRequest) -> Row:
    found: Row = request.param
    if "node" not in found.only:
        pytest.skip("Node does not behave so")
    return found


async def test_row_behind_a_proxy(
    row: Row,
    front: Front,
    upstreams: Mapping[str, UpstreamServer | str],
    request: pytest.FixtureRequest,
) -> None:
    if reason := CANNOT.get((front.name, row.id)):
        pytest.skip(reason)
    expect_known_faults(request, f"front:{row.id}[{front.name}]")
    node = upstreams["node"]
    if isinstance(node, str):
        pytest.skip(node)
    place = Place.at("node")
    got = await _answers(front.url, place, row)
    assert_got_their_own(await next_clients(front.url, place))
    seen, _ = await arrived(node, place)
    answered = [each for each in got if each.seen]
    assert [each.seen for each in answered] == [each.target for each in seen]
    for each in seen:
        assert_clean_request(each)
    own = [each for each in seen if each.target != place.filled(b"<echo>/last").decode()]
    if row.id in REFUSED_BY[front.name]:
        assert not own
    elif row.arrived:
        wanted = list(row.arrived)
        if row.id in CHANGED_BY[front.name]:
            wanted = [replace(each, has={}) for each in wanted]
        assert_arrived(own, wanted, place)


@pytest.fixture(scope="module", params=ASKING)
async def asking(
    request: pytest.FixtureRequest,
    shared_gateway: Gateway,
    upstreams: Mapping[str, UpstreamServer | str],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[str]:
    """The URL of a proxy of `deploy/`, with forward auth and Node as its upstream."""
    node = upstreams["node"]
    if isinstance(node, str):
        pytest.skip(node)
    folder = tmp_path_factory.mktemp("asking")
    async with ASKING[request.param](folder, shared_gateway.public, node.url) as url:
        yield url


@pytest.mark.parametrize("row", ASKED, ids=lambda row: row.id)
async def test_no_request_passes_a_proxy_unasked(
    row: Row, asking: str, upstreams: Mapping[str, UpstreamServer | str]
) -> None:
    """As many requests arrive as are answered, however the proxy reads these bytes."""
    node = upstreams["node"]
    assert isinstance(node, UpstreamServer)
    place = Place.at("node")
    got = await _answers(asking, place, row)
    assert_got_their_own(await next_clients(asking, place))
    seen, _ = await arrived(node, place)
    assert [each.seen for each in got if each.seen] == [each.target for each in seen]


async def _answers(url: str, place: Place, row: Row) -> list[Got]:
    """All answers to the requests of a row, and to a last one that ends the connection."""
    got: list[Got] = []
    last = a_request(b"Connection: close", target=b"<echo>/last")
    async with Raw.to(url) as client:
        for number, part in enumerate(row.sent):
            if number and (await head(client)).status != 100:
                return got
            await client.send(place.filled(part))
        if row.ends is not None:
            await client.send(place.filled(last))
        methods = [*row.methods, *["GET"] * 3]  # a proxy may accept as complete what we do not
        whole = row.ends is not None and 413 not in row.got
        for method in methods if whole else row.methods:
            try:
                got.append(await answer(client, method))
            except (asyncio.IncompleteReadError, ConnectionResetError):
                break
            if got[-1].all("connection") == ["close"]:
                break
    return got
