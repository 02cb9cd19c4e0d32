"""What a drill counts, what its phases explain, and how it ends."""

import asyncio
import threading
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from deploy.cluster.drill import HEADINGS, Row, in_thread, table
from deploy.cluster.load import Outcome

ALLOWED, DENIED = frozenset({200, 201}), frozenset({401, 403})


def outcome(ended: str, wanted: frozenset[int] = ALLOWED) -> Outcome:
    return Outcome("phase", "call", ended, wanted, 0.01, datetime.now(UTC))


def row(outcomes: Sequence[Outcome]) -> Row:
    return Row("phase", 10, outcomes, "the reason", lambda each: each.ended == "503")


@pytest.mark.parametrize(
    ("ended", "wanted", "counted"),
    [
        ("200", ALLOWED, None),
        ("201", ALLOWED, None),
        ("401", DENIED, None),
        ("403", DENIED, None),
        ("503", ALLOWED, "failed"),
        ("502", DENIED, "failed"),
        ("ConnectionResetError", DENIED, "failed"),
        ("TimeoutError", ALLOWED, "failed"),
        ("401", ALLOWED, "wrongly_denied"),
        ("429", ALLOWED, "wrongly_denied"),
        ("404", ALLOWED, "wrongly_denied"),
        ("200", DENIED, "wrongly_allowed"),
    ],
)
def test_each_call_is_counted_once(ended: str, wanted: frozenset[int], counted: str | None) -> None:
    found = outcome(ended, wanted)
    kinds = ("failed", "wrongly_denied", "wrongly_allowed")
    assert [kind for kind in kinds if getattr(found, kind)] == ([counted] if counted else [])
    assert found.right == (counted is None)


def test_only_what_the_phase_explains_is_explained() -> None:
    assert not row([outcome("200"), outcome("503")]).unexplained
    (wrong,) = row([outcome("200"), outcome("503"), outcome("401")]).unexplained
    assert wrong.ended == "401"
    (allowed,) = row([outcome("200", DENIED)]).unexplained
    assert allowed.wrongly_allowed


def test_the_table_names_what_went_wrong() -> None:
    lines = table([row([outcome("503"), outcome("200")]), row([outcome("502")])]).splitlines()
    assert len(lines) == 5
    assert all(line.count("|") == len(HEADINGS) + 1 for line in lines)
    assert "1: 503 (call). the reason" in lines[2]
    assert "1: 502 (call). Not explained!" in lines[3]
    assert lines[4].startswith("| all | 20 | 3 | 2 | 0 | 0 |")


def test_a_drill_that_is_ended_does_not_wait_for_pods() -> None:
    ready, waited = threading.Event(), list[bool]()

    async def ended_at_once() -> None:
        async with asyncio.timeout(0):
            await in_thread(lambda: waited.append(ready.wait(30)))

    with pytest.raises(TimeoutError):
        asyncio.run(ended_at_once())
    assert waited == []
    ready.set()


async def test_what_fails_in_a_phase_ends_the_drill() -> None:
    def fails() -> None:
        raise AssertionError("no pods")

    with pytest.raises(AssertionError, match="no pods"):
        await in_thread(fails)
