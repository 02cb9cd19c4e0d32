"""The WebSockets that are open, and who opened them."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable

from prometheus_client import CollectorRegistry, Gauge

from authz_gateway.proxy.tunnel import Tunnel

_REVIEW_SECONDS = 60.0

Review = Callable[[], Awaitable[bool]]
"""Whether a WebSocket may stay open."""


class WebSockets:
    """Closes those of users who may not have them any more, when that is heard, or in a minute."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._reviews: dict[Tunnel, Review | None] = {}
        self._of_user: defaultdict[str, set[Tunnel]] = defaultdict(set)
        self._tasks: set[asyncio.Task[None]] = set()
        Gauge("gateway_websockets", "Open WebSockets.", registry=registry).set_function(
            self._reviews.__len__
        )

    def opened(self, tunnel: Tunnel, review: Review | None) -> None:
        """Another is open; `review` is None for one that everyone may have."""
        self._reviews[tunnel] = review
        if tunnel.uid is not None:
            self._of_user[tunnel.uid].add(tunnel)

    def closed(self, tunnel: Tunnel) -> None:
        """It is closed."""
        self._reviews.pop(tunnel, None)
        mine = self._of_user.get(tunnel.uid or "", set())
        mine.discard(tunnel)
        if not mine:
            self._of_user.pop(tunnel.uid or "", None)

    def review_user(self, uid: str) -> None:
        """Something about the user changed."""
        self._begin(tuple(self._of_user.get(uid, ())))

    def review_all(self) -> None:
        """Something changed, for whomever."""
        self._begin(tuple(self._reviews))

    async def keep_reviewing(self) -> None:
        """Sessions and keys may end without a word."""
        while True:
            await asyncio.sleep(_REVIEW_SECONDS)
            await self._review(tuple(self._reviews))

    def _begin(self, tunnels: tuple[Tunnel, ...]) -> None:
        if tunnels:
            task = asyncio.create_task(self._review(tunnels))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _review(self, tunnels: Iterable[Tunnel]) -> None:
        for tunnel in tunnels:
            review = self._reviews.get(tunnel)
            if review is not None and not await review() and tunnel in self._reviews:
                tunnel.close()
