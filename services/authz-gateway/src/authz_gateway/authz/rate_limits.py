"""Rate limits: a token bucket for each pair of route and client, in this process."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge

from authz_gateway.routing.route_table import Access, Rate, Route, with_rate
from shared.errors import Throttled
from shared.values.addresses import Address

MAX_BUCKETS = 100_000
"""Each takes about 250 bytes. The least recently used one is dropped."""

ANONYMOUS = Route(prefix="anonymous", access=Access.REQUIRED, rate=Rate(50, 1 / 50), burst=100)
"""The limit of unauthenticated calls from one address, on all routes without a rate together.

Each of these calls causes a lookup at another service, and may be a guess. The prefix cannot be
that of a real route, which begins with a slash.
"""

UNDECIDED = with_rate(Route(prefix="undecided", access=Access.PUBLIC))
"""The limit of calls from one address that are answered without a decision, all together.

These are preflights, paths without a route, blocked ones, and those that cannot be read.
"""

AUDITED_RATE = Rate(300, 60 / 300)
"""The limit of recorded calls of one user: refused ones everywhere, and audited ones on routes
without a rate, all together."""

Client = str | Address
"""The uid of an authenticated caller, or the address of another client."""

BucketKey = tuple[str, str | bytes]
"""The prefix of a route, and a uid or the network of an address."""

log = structlog.get_logger()


class RateLimits:
    """Token buckets by the generic cell rate algorithm (ITU-T I.371).

    For each bucket, only the time is stored at which it will be full again.
    """

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
        self._full_at: OrderedDict[BucketKey, float] = OrderedDict()
        self._throttled = Counter(
            "gateway_throttled", "Calls refused for their rate.", ("route",), registry=registry
        )
        Gauge(
            "gateway_rates_shared",
            "1 while rates hold for all gateways together, 0 while each allows its share.",
            registry=registry,
        ).set_function(lambda: self.sharing()[0])
        Gauge(
            "gateway_rates_gateways",
            "How many gateways share the rates, or shared them last.",
            registry=registry,
        ).set_function(lambda: self.sharing()[1])
        if not enabled:
            log.warning("throttling_is_off", setting="BARONG_THROTTLING")

    def __len__(self) -> int:
        return len(self._full_at)

    def sharing(self) -> tuple[float, float]:
        """1 while rates hold for all gateways together, else 0, and how many gateways there are.

        NaN where each gateway counts for itself.
        """
        return math.nan, math.nan

    def require_capacity(self, route: Route, client: Client) -> None:
        """Raises `Throttled` when `take` would, but takes nothing."""
        self._count(route, client, 0)

    def take(self, route: Route, client: Client) -> None:
        """Counts a call. Raises `Throttled` at the limit; that call does not count."""
        self._count(route, client, 1)

    def charge(self, route: Route, client: Client) -> None:
        """Counts a call that was already made, even above the limit, so that the next ones wait."""
        self._count(route, client, 1, late=True)

    def take_audited(self, route: Route, uid: str, *, allowed: bool) -> None:
        """Counts a call that will be recorded; raises `Throttled` at the limit.

        Each recorded call is a message to the broker, and a row that is stored for years. Allowed
        ones are not counted on a route with a rate: what users may do there is bounded by it.
        Refused ones always are: they help nobody, and each route's rate would add to their number.
        """
        if route.rate is None or not allowed:
            self._count(self._audited, uid, 1)

    def _count(self, route: Route, client: Client, calls: int, *, late: bool = False) -> None:
        rate = route.rate
        if rate is None or not self._enabled:
            return
        now = self._clock()
        key = bucket_key(route, client)
        full_at = max(self._full_at.get(key, now), now)
        size = (route.burst or rate.calls) * rate.interval
        wait = full_at + rate.interval - now - size  # until there is room for one more
        if wait > _ROUNDING and not late:
            self._throttled.labels(route.prefix).inc()
            raise Throttled(math.ceil(wait))
        if calls:
            self._full_at[key] = full_at + rate.interval
            self._full_at.move_to_end(key)
            self._evict(now)

    def _evict(self, now: float) -> None:
        """Drops up to two of the oldest buckets that are full or above the capacity.

        Each call adds at most one, so the number of buckets stays near that of active clients.
        """
        for _ in range(2):
            oldest = next(iter(self._full_at))
            if self._full_at[oldest] > now and len(self._full_at) <= self._capacity:
                return
            del self._full_at[oldest]


_ROUNDING = 1e-6


def bucket_key(route: Route, client: Client) -> BucketKey:
    """The key of the bucket of a route and a client."""
    return route.prefix, client if isinstance(client, str) else _network(client)


def _network(address: Address) -> bytes:
    """The IPv4 address, or the IPv6 /64: a client can choose any address within its /64."""
    return address.packed if address.version == 4 else address.packed[:8]
