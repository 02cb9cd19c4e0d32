"""How often a client may take a route: a token bucket for each of the two, in this process."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

import structlog
from prometheus_client import CollectorRegistry, Counter

from authz_gateway.routing.route_table import Access, Rate, Route
from shared.errors import Throttled
from shared.values.addresses import Address

MAX_BUCKETS = 100_000
"""Each has some 250 bytes. The client that has not called for longest is forgotten."""

ANONYMOUS = Route(prefix="anonymous", access=Access.REQUIRED, rate=Rate(50, 1 / 50), burst=100)
"""Where calls count that stay without a caller, on all routes together that have no rate: each is
a question to another service, and might be a guess. No prefix of a real route: those have a slash.
"""

AUDITED_RATE = Rate(300, 60 / 300)
"""How often a user may make calls that are recorded, on all routes together that have no rate."""

Client = str | Address
"""A user by their uid; a client without a known user by its address."""

log = structlog.get_logger()


class RateLimits:
    """Buckets, by their generic cell rate (ITU-T I.371): of each, when it will be full again."""

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        enabled: bool,
        audited_rate: Rate = AUDITED_RATE,
        capacity: int = MAX_BUCKETS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._enabled = enabled
        self._audited = Route(prefix="audited", access=Access.REQUIRED, rate=audited_rate)
        self._capacity = capacity
        self._clock = clock
        self._full_at: OrderedDict[tuple[str, str | bytes], float] = OrderedDict()
        self._throttled = Counter(
            "gateway_throttled", "Calls refused for their rate.", ("route",), registry=registry
        )
        if not enabled:
            log.warning("throttling_is_off", setting="BARONG_THROTTLING")

    def __len__(self) -> int:
        return len(self._full_at)

    def demand_room(self, route: Route, client: Client) -> None:
        """Raises `Throttled` where `take` would; takes nothing."""
        self._count(route, client, 0)

    def take(self, route: Route, client: Client) -> None:
        """Counts a call; raises `Throttled` for one too many, which does not count."""
        self._count(route, client, 1)

    def charge(self, route: Route, client: Client) -> None:
        """Counts a call that was made already: one too many as well, so that the next ones wait."""
        self._count(route, client, 1, late=True)

    def take_audited(self, route: Route, uid: str) -> None:
        """Counts a call that is recorded, where its route does not: before it is, or is made.

        Raises `Throttled`. Each is a row that is kept for years, and a message to the broker.
        """
        if route.rate is None:
            self._count(self._audited, uid, 1)

    def _count(self, route: Route, client: Client, calls: int, *, late: bool = False) -> None:
        rate = route.rate
        if rate is None or not self._enabled:
            return
        now = self._clock()
        key = (route.prefix, client if isinstance(client, str) else _subscriber(client))
        full_at = max(self._full_at.get(key, now), now)
        size = (route.burst or rate.calls) * rate.interval
        wait = full_at + rate.interval - now - size  # until there is room for one more
        if wait > _ROUNDING and not late:
            self._throttled.labels(route.prefix).inc()
            raise Throttled(math.ceil(wait))
        if calls:
            self._full_at[key] = full_at + rate.interval
            self._full_at.move_to_end(key)
            self._forget(now)

    def _forget(self, now: float) -> None:
        """Forgets full buckets, two at most, so that there are never more than are in use."""
        for _ in range(2):
            oldest = next(iter(self._full_at))
            if self._full_at[oldest] > now and len(self._full_at) <= self._capacity:
                return
            del self._full_at[oldest]


_ROUNDING = 1e-6


def _subscriber(address: Address) -> bytes:
    """What one subscriber has: an IPv4 address, an IPv6 /64 in which they can choose any."""
    return address.packed if address.version == 4 else address.packed[:8]
