"""Every row of the table at every upstream: what it saw, and what each client got."""

from collections.abc import Mapping

import pytest

from tests.interop.checks import (
    assert_answers_belong,
    assert_arrived,
    assert_clean_answer,
    assert_got_their_own,
)
from tests.interop.exercise import Place, arrived, exercise
from tests.interop.known_faults import expect_known_faults
from tests.interop.servers import GatewayFor, UpstreamServer
from tests.interop.table import CONNECTIONS, FRAMING, LINES, ROWS, Row
from tests.interop.table import request as a_request
from tests.support.transport import Gateway

PIECEMEAL_BYTES = 500
SENDS_AFTER_ITS_CLOSE = "pipelined-behind-a-close"
"""Bytes that come after the connection is closed reset it, and the answer may be lost. A client
that sends `Connection: close` must not send another request (RFC 9112, 9.6)."""


@pytest.fixture(params=ROWS, ids=lambda row: row.id)
def row(request: pytest.FixtureRequest) -> Row:
    found: Row = request.param
    return found


async def test_row(
    row: Row,
    upstream: UpstreamServer,
    gateway_for: GatewayFor,
    request: pytest.FixtureRequest,
) -> None:
    if upstream.name not in row.only:
        pytest.skip(f"{upstream.name} does not behave so")
    known = expect_known_faults(request, row.id, f"{row.id}[{upstream.name}]")
    async with gateway_for(apart=known) as gateway:
        await _exercise(row, upstream, gateway.public)


@pytest.mark.parametrize(
    "row",
    [
        row
        for row in (*FRAMING, *LINES, *CONNECTIONS)
        if sum(map(len, row.sent)) < PIECEMEAL_BYTES and row.id != SENDS_AFTER_ITS_CLOSE
    ],
    ids=lambda row: row.id,
)
async def test_row_byte_by_byte(
    row: Row,
    upstreams: Mapping[str, UpstreamServer | str],
    gateway_for: GatewayFor,
    request: pytest.FixtureRequest,
) -> None:
    """The result does not depend on how the bytes are split."""
    node = upstreams["node"]
    if isinstance(node, str):
        pytest.skip(node)
    if "node" not in row.only:
        pytest.skip("Node does not behave so")
    known = expect_known_faults(request, row.id, f"{row.id}[node]")
    async with gateway_for(apart=known) as gateway:
        await _exercise(row, node, gateway.public, piecemeal=True)


async def _exercise(
    row: Row, upstream: UpstreamServer, url: str, *, piecemeal: bool = False
) -> None:
    place = Place.at(upstream.name)
    outcome = await exercise(url, place, row.sent, row.methods, ends=row.ends, piecemeal=piecemeal)
    seen, others = await arrived(upstream, place)
    if upstream.name in row.but:
        assert [each.status for each in outcome.got] == [row.but[upstream.name]]
        assert not seen
    else:
        assert [each.status for each in outcome.got] == list(row.got)
        assert_arrived(seen, row.arrived, place)
        assert_answers_belong(outcome.got, row.arrived, place)
    if row.alone:
        assert not others.intersection(each.connection for each in seen)
    assert_got_their_own(outcome.others)
    if outcome.after is not None:
        assert outcome.after.seen == place.filled(b"<echo>/after").decode()
    for each in (*outcome.got, *(interim for got in outcome.got for interim in got.interims)):
        assert_clean_answer(each)


async def test_the_next_client_comes_on_the_same_connection(
    upstream: UpstreamServer, shared_gateway: Gateway
) -> None:
    """Otherwise the tests above would prove nothing about it."""
    place = Place.at(upstream.name)
    parts, methods = (a_request(),), ("GET",)
    outcome = await exercise(shared_gateway.public, place, parts, methods, ends=False)
    [seen], others = await arrived(upstream, place)
    assert outcome.got[0].status == 200
    assert others == {seen.connection}
