"""Odd responses of another upstream: what this client gets, and what the next ones get."""

import asyncio
import base64
from collections.abc import Mapping
from urllib.parse import urlencode

import pytest

from tests.interop.answers import ODD_ANSWERS, OddAnswer
from tests.interop.checks import assert_clean_answer, assert_got_their_own
from tests.interop.exercise import Got, Place, answer, arrived, next_clients
from tests.interop.known_faults import expect_known_faults
from tests.interop.servers import GatewayFor, UpstreamServer
from tests.support.transport import Raw
from tests.support.waiting import until


@pytest.fixture(params=ODD_ANSWERS, ids=lambda odd: odd.id)
def odd(request: pytest.FixtureRequest) -> OddAnswer:
    found: OddAnswer = request.param
    return found


@pytest.fixture
def node(upstreams: Mapping[str, UpstreamServer | str]) -> UpstreamServer:
    found = upstreams["node"]
    if isinstance(found, str):
        pytest.skip(found)
    return found


async def test_odd_answer(
    odd: OddAnswer,
    node: UpstreamServer,
    gateway_for: GatewayFor,
    request: pytest.FixtureRequest,
) -> None:
    known = expect_known_faults(request, f"answer:{odd.id}")
    async with gateway_for(apart=known) as gateway:
        await _exercise(odd, node, gateway.public)


async def _exercise(odd: OddAnswer, node: UpstreamServer, url: str) -> None:
    place = Place.at("node")
    target = f"{place.filled(b'<raw>').decode()}?{_query(odd)}"
    got = await _answer_to(url, odd.method, target)

    async def closed() -> bool:
        return target in node.closed()

    if odd.waits:
        await until(closed)
    others = await next_clients(url, place)
    await arrived(node, place)
    assert_got_their_own(others)
    assert (got.status if got else None) == odd.status
    if got is None:
        return
    if got.status == 200 and odd.method != "HEAD":
        assert got.body == odd.body
    for name, values in odd.has.items():
        assert tuple(got.all(name)) == values
    for each in (got, *got.interims):
        assert_clean_answer(each)


def _query(odd: OddAnswer) -> str:
    def coded(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).decode()

    values = {"first": coded(odd.first), "later": coded(odd.later)}
    return urlencode(values | ({"hang-up": "1"} if odd.hangs_up else {}))


async def _answer_to(url: str, method: str, target: str) -> Got | None:
    """The answer, or None without a complete one."""
    async with Raw.to(url) as client:
        await client.send(f"{method} {target} HTTP/1.1\r\nHost: gateway\r\n\r\n")
        try:
            return await answer(client, method)
        except (asyncio.IncompleteReadError, ConnectionResetError):
            return None
