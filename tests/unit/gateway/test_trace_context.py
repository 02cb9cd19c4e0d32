"""W3C Trace Context at a gateway that records no traces: passed on for trusted proxies only."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.support.transport import OK, Gateway, Raw, Upstream, gateway

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CONTEXT = {"traceparent": PARENT, "tracestate": "a=1,b=2"}


@pytest.fixture(scope="module")
async def heads() -> list[dict[str, str]]:
    """The headers of all requests that the upstream got."""
    return []


@pytest.fixture(scope="module")
async def front(
    heads: list[dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    """A gateway that trusts 127.0.0.2."""

    async def serve(raw: Raw) -> None:
        while True:
            heads.append((await raw.head())[1])
            await raw.send(OK)

    async with Upstream.listening(serve) as upstream:
        routes = f'- {{prefix: /x, access: public, upstream: "{upstream.url}"}}'
        settings = {"BARONG_TRUSTED_PROXIES": "127.0.0.2/32"}
        folder = tmp_path_factory.mktemp("gateway")
        async with gateway(folder, routes, settings=settings) as made:
            yield made


@pytest.mark.parametrize(("address", "passed"), [("127.0.0.1", {}), ("127.0.0.2", CONTEXT)])
async def test_only_a_trusted_proxy_names_the_trace(
    address: str, passed: dict[str, str], front: Gateway, heads: list[dict[str, str]]
) -> None:
    connector = aiohttp.TCPConnector(local_addr=(address, 0))
    async with aiohttp.ClientSession(front.public, connector=connector) as http:
        # The second call has a head that the gateway may know from the first.
        for headers in (CONTEXT, {}):
            async with http.get("/x", headers=headers) as got:
                assert got.status == 200
    first, second = heads[-2:]
    assert {name: first[name] for name in CONTEXT if name in first} == passed
    assert not CONTEXT.keys() & second.keys()


async def test_a_trace_context_for_the_gateway_alone_is_not_passed_on(
    front: Gateway, heads: list[dict[str, str]]
) -> None:
    """RFC 9110, 7.6.1: fields that Connection names are for the next hop only."""
    connector = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
    headers = {**CONTEXT, "Connection": "keep-alive, TraceState"}
    async with (
        aiohttp.ClientSession(front.public, connector=connector) as http,
        http.get("/x", headers=headers) as got,
    ):
        assert got.status == 200
    assert heads[-1]["traceparent"] == PARENT
    assert "tracestate" not in heads[-1]
