"""Open WebSockets, their limits and their re-authorization."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from prometheus_client import CollectorRegistry, Gauge

from authz_gateway.upstream.tunnel import Tunnel
from shared.errors import Throttled, Unavailable

_INTERVAL_SECONDS = 60.0
_RETRY_SECONDS = 10

_CONCURRENCY = 32
"""How many WebSockets are re-authorized at a time, in one iteration of the event loop at most."""

Reauthorization = Callable[[], Awaitable[bool]]
"""Whether a WebSocket may stay open."""


class WebSockets:
    """Limits the number of open WebSockets, and closes those that are no longer allowed.

    A WebSocket is re-authorized right after it was opened, when an event concerns its user, when
    the policy changes, and each minute.
    """

    def __init__(
        self, registry: CollectorRegistry, *, limit: int = 10_000, limit_per_client: int = 100
    ) -> None:
        """At most `limit` are open at a time, `limit_per_client` for one user or one network."""
        self._limit = limit
        self._limit_per_client = limit_per_client
        self._count_by_client: Counter[str] = Counter()
        self._checks: dict[Tunnel, Reauthorization] = {}
        self._by_user: defaultdict[str, set[Tunnel]] = defaultdict(set)
        self._tasks: set[asyncio.Task[None]] = set()
        self._all_due = asyncio.Event()
        Gauge("gateway_websockets", "Open WebSockets.", registry=registry).set_function(
            self._checks.__len__
        )

    def require_capacity(self, client: str) -> None:
        """Raises `Throttled` at the client's limit, and `Unavailable` at the limit for all."""
        if self._count_by_client[client] >= self._limit_per_client:
            raise Throttled(_RETRY_SECONDS)
        if len(self._checks) >= self._limit:
            raise Unavailable("websockets")

    def add(self, tunnel: Tunnel, reauthorize: Reauthorization) -> None:
        """Adds an open WebSocket; `reauthorize` tells whether it may stay open."""
        self._checks[tunnel] = reauthorize
        self._count_by_client[tunnel.client] += 1
        if tunnel.uid is not None:
            self._by_user[tunnel.uid].add(tunnel)
        # Events that arrived while the upstream was deciding found no tunnel yet.
        self._start_reauthorizing((tunnel,))

    def remove(self, tunnel: Tunnel) -> None:
        """Removes a closed WebSocket."""
        if self._checks.pop(tunnel, None) is None:
            return
        self._count_by_client[tunnel.client] -= 1
        if not self._count_by_client[tunnel.client]:
            del self._count_by_client[tunnel.client]
        tunnels = self._by_user.get(tunnel.uid or "", set())
        tunnels.discard(tunnel)
        if not tunnels:
            self._by_user.pop(tunnel.uid or "", None)

    def reauthorize_user(self, uid: str) -> None:
        """Re-authorizes a user's WebSockets soon."""
        if tunnels := tuple(self._by_user.get(uid, ())):
            self._start_reauthorizing(tunnels)

    def reauthorize_all(self) -> None:
        """Re-authorizes all WebSockets soon."""
        self._all_due.set()

    async def run(self) -> None:
        """Re-authorizes all when requested, and each minute: sessions expire without an event."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_INTERVAL_SECONDS):
                    await self._all_due.wait()
            self._all_due.clear()  # first: a change meanwhile starts another round
            await self._reauthorize(tuple(self._checks))

    def _start_reauthorizing(self, tunnels: Sequence[Tunnel]) -> None:
        task = asyncio.create_task(self._reauthorize(tunnels))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reauthorize(self, tunnels: Sequence[Tunnel]) -> None:
        for start in range(0, len(tunnels), _CONCURRENCY):
            batch = tunnels[start : start + _CONCURRENCY]
            await asyncio.gather(*(self._reauthorize_one(tunnel) for tunnel in batch))

    async def _reauthorize_one(self, tunnel: Tunnel) -> None:
        reauthorize = self._checks.get(tunnel)
        if reauthorize is not None and not await reauthorize() and tunnel in self._checks:
            tunnel.close()
