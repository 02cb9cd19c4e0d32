"""Token buckets fill at their rate, and Retry-After says when there is a token again."""

from collections.abc import Iterator, Sequence
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from authz_gateway.authz.rate_limits import Client, RateLimits
from authz_gateway.routing.route_table import UNROUTED, Access, Rate, Route
from shared.errors import Throttled


def a_route(calls: int, seconds: float, burst: int | None = None, prefix: str = "/x") -> Route:
    rate = Rate(calls, seconds / calls)
    return Route(prefix=prefix, access=Access.PUBLIC, rate=rate, burst=burst)


def outcomes(
    route: Route, calls: Sequence[tuple[float, Client]], *, capacity: int = 100
) -> Iterator[int]:
    """For each call at a moment: 0 when it passed, else the seconds of Retry-After."""
    now = 0.0
    limits = RateLimits(CollectorRegistry(), enabled=True, capacity=capacity, clock=lambda: now)
    for moment, client in calls:
        now = moment
        try:
            limits.take(route, client)
        except Throttled as refusal:
            yield refusal.retry_after or -1
        else:
            yield 0


def test_allowed_recorded_calls_have_a_rate_where_their_route_has_none() -> None:
    """On all such routes together, and separately from routes with a rate."""
    limits = RateLimits(
        CollectorRegistry(), enabled=True, audited_rate=Rate(2, 30), clock=lambda: 0.0
    )
    own, none, other = a_route(9, 1), UNROUTED, Route(prefix="/y", access=Access.REQUIRED)
    for route in (own, none, own, other, own):
        limits.take_audited(route, "ID1", allowed=True)
    for route in (none, other):
        with pytest.raises(Throttled) as caught:
            limits.take_audited(route, "ID1", allowed=True)
        assert caught.value.retry_after == 30
    limits.take_audited(none, "ID2", allowed=True)


def test_refused_recorded_calls_have_one_rate_on_all_routes_together() -> None:
    limits = RateLimits(
        CollectorRegistry(), enabled=True, audited_rate=Rate(3, 30), clock=lambda: 0.0
    )
    routes = UNROUTED, a_route(9, 1), a_route(9, 1, prefix="/y")
    for route in routes:
        limits.take_audited(route, "ID1", allowed=False)
    for route in routes:
        with pytest.raises(Throttled):
            limits.take_audited(route, "ID1", allowed=False)
    limits.take_audited(a_route(9, 1), "ID1", allowed=True)


def by_one(*moments: float) -> list[tuple[float, Client]]:
    return [(moment, "ID1") for moment in moments]


@pytest.mark.parametrize(
    ("route", "calls", "expected"),
    [
        (a_route(1, 1), by_one(0, 0.2, 0.9, 1, 1.5, 2), [0, 1, 1, 0, 1, 0]),
        (a_route(2, 1), by_one(0, 0, 0, 0.4, 0.5, 0.5), [0, 0, 1, 1, 0, 1]),
        (a_route(2, 60), by_one(0, 0, 0, 29, 30, 30), [0, 0, 30, 1, 0, 30]),
        (a_route(1, 3600), by_one(0, 1, 3599, 3600), [0, 3599, 1, 0]),
        (
            a_route(1, 1, burst=3),
            by_one(0, 0, 0, 0, 1, 1, 9, 9, 9, 9),
            [0, 0, 0, 1, 0, 1, 0, 0, 0, 1],
        ),
        (a_route(2, 1, burst=1), by_one(0, 0, 0.5, 0.9, 1), [0, 1, 0, 1, 0]),
        # A call that is exactly in time is not refused because of rounding.
        (a_route(3, 1), by_one(0, 0, 0, *(n / 3 for n in range(1, 40))), [0] * 42),
        (a_route(7, 60), by_one(*[0] * 7, *(n * 60 / 7 for n in range(1, 40))), [0] * 46),
        # A refused call does not count.
        (a_route(1, 10), by_one(0, *range(1, 10), 10), [0, *range(9, 0, -1), 0]),
    ],
)
def test_fills_at_its_rate(
    route: Route, calls: list[tuple[float, Client]], expected: list[int]
) -> None:
    assert list(outcomes(route, calls)) == expected


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("ID1", "ID1", True),
        ("ID1", "ID2", False),
        (ip_address("192.0.2.1"), ip_address("192.0.2.1"), True),
        (ip_address("192.0.2.1"), ip_address("192.0.2.2"), False),
        (ip_address("2001:db8::1"), ip_address("2001:db8::ffff:0:1"), True),
        (ip_address("2001:db8::1"), ip_address("2001:db8:0:1::1"), False),
        (ip_address("0.0.0.0"), ip_address("::"), False),
    ],
)
def test_a_client_is_a_user_or_an_address_or_an_ipv6_network(
    one: Client, other: Client, *, same: bool
) -> None:
    assert list(outcomes(a_route(1, 1), [(0, one), (0, other)])) == [0, int(same)]


def test_each_route_counts_separately() -> None:
    limits = RateLimits(CollectorRegistry(), enabled=True, clock=lambda: 0)
    for prefix in ("/x", "/y"):
        limits.take(a_route(1, 1, prefix=prefix), "ID1")
    with pytest.raises(Throttled):
        limits.take(a_route(1, 1, prefix="/y"), "ID1")


def test_require_capacity_takes_nothing() -> None:
    limits = RateLimits(CollectorRegistry(), enabled=True, clock=lambda: 0)
    for _ in range(3):
        limits.require_capacity(a_route(1, 1), "ID1")
    limits.take(a_route(1, 1), "ID1")
    with pytest.raises(Throttled):
        limits.require_capacity(a_route(1, 1), "ID1")


def test_charged_calls_count_beyond_the_limit() -> None:
    now = 0.0
    limits = RateLimits(CollectorRegistry(), enabled=True, clock=lambda: now)
    route = a_route(1, 1)
    for _ in range(3):
        limits.charge(route, "ID1")
    with pytest.raises(Throttled) as refused:
        limits.take(route, "ID1")
    assert refused.value.retry_after == 3
    now = 2.0
    with pytest.raises(Throttled):
        limits.require_capacity(route, "ID1")
    now = 3.0
    limits.take(route, "ID1")


@given(
    st.integers(1, 20),
    st.integers(1, 20),
    st.lists(st.floats(0, 2), max_size=200),
)
def test_never_more_than_the_rate_and_a_burst(calls: int, burst: int, gaps: list[float]) -> None:
    moments = [sum(gaps[: number + 1]) for number in range(len(gaps))]
    waits = outcomes(a_route(calls, 1, burst), by_one(*moments))
    passed = [moment for moment, wait in zip(moments, waits, strict=True) if not wait]
    for first, start in enumerate(passed):
        for count, end in enumerate(passed[first:], 1):
            assert count <= burst + (end - start) * calls + 1e-3


def test_memory_is_bounded_and_full_buckets_are_dropped() -> None:
    now = 0.0
    limits = RateLimits(CollectorRegistry(), enabled=True, capacity=10, clock=lambda: now)
    route = a_route(1, 10)
    for number in range(50):
        limits.take(route, f"ID{number}")
    assert len(limits) == 10
    with pytest.raises(Throttled):
        limits.take(route, "ID49")
    now = 10.0
    for number in range(10):
        limits.take(route, f"ID{number}")
    now = 30.0
    for _ in range(10):
        limits.take(route, "ID1")
        now += 10.0
    assert len(limits) == 1


def test_refusals_are_counted_by_route() -> None:
    registry = CollectorRegistry()
    limits = RateLimits(registry, enabled=True, clock=lambda: 0)
    limits.take(a_route(1, 1), "ID1")
    for _ in range(2):
        with pytest.raises(Throttled):
            limits.take(a_route(1, 1), "ID1")
    assert registry.get_sample_value("gateway_throttled_total", {"route": "/x"}) == 2
