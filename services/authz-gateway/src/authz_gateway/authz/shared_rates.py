"""Rate limits that all gateways keep together, through Valkey or Redis.

No call waits for the server. Each gateway decides by its own buckets, and tells the server ten
times a second what its calls took; the answer says how full each bucket is for all gateways. So a
client that calls several gateways can exceed a limit for a tenth of a second, and waits longer
afterwards.
"""

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b

import structlog
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript

from authz_gateway.authz.rate_limits import (
    AUDITED_RATE,
    MAX_BUCKETS,
    BucketKey,
    Client,
    RateLimits,
    bucket_key,
)
from authz_gateway.routing.route_table import Rate, Route

SYNC_SECONDS = 0.1
"""How often a gateway tells what its calls took."""

ANSWER_SECONDS = 1.0
"""How long the server may take for an answer; then it counts as away."""

_PRESENT_SECONDS = 10
"""A gateway that was silent for so long is gone."""

_HEARTBEAT_SECONDS = 2.0
_MAX_KEYS = 1000
"""In one command: the server does nothing else meanwhile, for about two milliseconds."""

# All keys have one hash tag, because a script may use keys of one node only. KEYS are the gateways
# and then the buckets; ARGV this gateway's id, and then the microseconds that the calls took from
# each bucket. A bucket is the time at which it will be full again, by the server's clock. The
# answer is the number of gateways, and how many microseconds each bucket needs until it is full.
_TAG = "{barong:rates}"
_GATEWAYS = f"{_TAG}:gateways"
_SCRIPT = f"""
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - {_PRESENT_SECONDS} * 1000000)
redis.call('EXPIRE', KEYS[1], {_PRESENT_SECONDS})
local answer = {{redis.call('ZCARD', KEYS[1])}}
for i = 2, #KEYS do
    local full = math.max(tonumber(redis.call('GET', KEYS[i]) or 0), now) + ARGV[i]
    local left = full - now
    redis.call('SET', KEYS[i], string.format('%.0f', full), 'PX', math.ceil(left / 1000) + 1000)
    answer[i] = left
end
return answer
"""

log = structlog.get_logger()


class SharedRateLimits(RateLimits):
    """Token buckets that are the same for all gateways, while the server answers.

    Otherwise each gateway allows its share: the rate divided by the number of gateways that there
    were last, but one call at a time at least. A gateway that has not reached the server yet knows
    of no other.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        url: str,
        enabled: bool,
        audited_rate: Rate = AUDITED_RATE,
        capacity: int = MAX_BUCKETS,
    ) -> None:
        super().__init__(registry, enabled=enabled, audited_rate=audited_rate, capacity=capacity)
        self._url = url
        self._id = os.urandom(8)
        self._gateways = 1
        self._shared = False
        self._shares: dict[Route, Route] = {}
        self._taken: dict[BucketKey, float] = {}
        """Seconds that calls took from each bucket since the server was told last."""

    def sharing(self) -> tuple[float, float]:
        """See `RateLimits`."""
        return float(self._shared), float(self._gateways)

    async def run(self) -> None:
        """Exchanges what calls took, until the server does not answer; raises then."""
        server = Redis.from_url(
            self._url,
            socket_connect_timeout=ANSWER_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
            single_connection_client=True,
        )
        try:
            async with server:
                await self._exchange_forever(server.register_script(_SCRIPT))
        finally:
            self._shared = False

    async def _exchange_forever(self, script: AsyncScript) -> None:
        loop = asyncio.get_running_loop()
        self._taken.clear()  # it was not counted for all, and is partly over
        silent_until = 0.0
        while True:
            if self._taken or loop.time() >= silent_until:
                taken, self._taken = self._taken, {}
                keys = list(taken)
                for start in range(0, max(1, len(keys)), _MAX_KEYS):
                    await self._exchange(script, keys[start : start + _MAX_KEYS], taken)
                silent_until = loop.time() + _HEARTBEAT_SECONDS
            await asyncio.sleep(SYNC_SECONDS)

    async def _exchange(
        self, script: AsyncScript, keys: Sequence[BucketKey], taken: Mapping[BucketKey, float]
    ) -> None:
        # Times of the answer count from here: counted from its arrival, a slow answer would make
        # every bucket look fuller than it is, and clients would get less than their rate.
        asked = self._clock()
        gateways, *left = await script(
            keys=[_GATEWAYS, *map(_name, keys)],
            args=[self._id, *(round(taken[key] * 1_000_000) for key in keys)],
        )
        if not self._shared or gateways != self._gateways:
            log.info("rates_shared", gateways=gateways)
        self._shared = True
        if gateways != self._gateways:
            self._gateways = gateways
            self._shares.clear()
        for key, microseconds in zip(keys, left, strict=True):
            # Calls that came meanwhile are not in the answer.
            self._full_at[key] = asked + microseconds / 1_000_000 + self._taken.get(key, 0.0)

    def _count(self, route: Route, client: Client, calls: int, *, late: bool = False) -> None:
        if self._shared or self._gateways == 1:
            super()._count(route, client, calls, late=late)
        else:
            super()._count(self._share_of(route), client, calls, late=late)
        if calls and self._shared and self._enabled and route.rate is not None:
            key = bucket_key(route, client)
            if key in self._taken or len(self._taken) < self._capacity:
                self._taken[key] = self._taken.get(key, 0.0) + calls * route.rate.interval

    def _share_of(self, route: Route) -> Route:
        """The route with this gateway's part of the rate."""
        share = self._shares.get(route)
        if share is None:
            rate, gateways = route.rate, self._gateways
            if rate is None:
                return route
            share = self._shares[route] = replace(
                route,
                rate=Rate(rate.calls, rate.interval * gateways),
                burst=max(1, (route.burst or rate.calls) // gateways),
            )
        return share


def _name(key: BucketKey) -> str:
    """The server's key of a bucket: of one length, and without addresses and uids."""
    prefix, client = key
    told = client.encode() if isinstance(client, str) else client
    kind = b"uid" if isinstance(client, str) else b"net"
    digest = blake2b(b"\0".join((prefix.encode(), kind, told)), digest_size=16)
    return f"{_TAG}:{digest.hexdigest()}"
