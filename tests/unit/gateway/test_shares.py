"""Per-client limits of connections: no client uses another's, and no slot is lost."""

import asyncio

import pytest

from authz_gateway.upstream.shares import Share, Shares
from shared.errors import Throttled


async def turns() -> None:
    """Lets woken tasks run."""
    for _ in range(3):
        await asyncio.sleep(0)


def acquired(shares: Shares, client: str) -> Share:
    share = shares.acquire(client)
    assert share is not None
    return share


async def test_a_waiting_call_gets_the_slot_of_its_own_client() -> None:
    shares = Shares(1)
    one = acquired(shares, "one")
    assert shares.acquire("one") is None
    two = acquired(shares, "two")
    waiting = asyncio.create_task(shares.wait_for_slot("one"))
    await turns()
    shares.release(two)
    shares.drop_idle()
    await turns()
    assert not waiting.done()
    shares.release(one)
    assert await waiting is one
    shares.drop_idle()
    assert shares.acquire("one") is None
    shares.release(one)
    shares.drop_idle()
    assert acquired(shares, "one") is not one


async def test_the_number_of_waiting_calls_is_limited() -> None:
    shares = Shares(2)
    share = acquired(shares, "one")
    assert acquired(shares, "one") is share
    waiting = [asyncio.create_task(shares.wait_for_slot("one")) for _ in range(2)]
    await turns()
    with pytest.raises(Throttled):
        await shares.wait_for_slot("one")
    shares.release(share)
    await waiting[0]
    assert not waiting[1].done()
    waiting[1].cancel()
    await asyncio.wait(waiting)


@pytest.mark.parametrize("when", ["never", "before its turn", "with its turn", "behind its turn"])
async def test_a_slot_is_not_lost_when_a_waiting_call_is_cancelled(when: str) -> None:
    """Whenever the waiting call is cancelled."""
    shares = Shares(1)
    share = acquired(shares, "one")
    waiting = asyncio.create_task(shares.wait_for_slot("one"))
    await turns()
    if when in ("before its turn", "with its turn"):
        waiting.cancel()
    if when == "before its turn":
        await asyncio.wait([waiting])
    shares.release(share)
    if when == "behind its turn":
        waiting.cancel()
    await asyncio.wait([waiting])
    if when == "never":
        shares.release(waiting.result())
    assert acquired(shares, "one").in_use == 1
