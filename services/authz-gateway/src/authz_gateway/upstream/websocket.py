"""The WebSockets that are open, and who opened them."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from prometheus_client import CollectorRegistry, Gauge

from authz_gateway.upstream.tunnel import Tunnel
from shared.errors import Throttled, Unavailable

_REVIEW_SECONDS = 60.0
_RETRY_SECONDS = 10

_AT_ONCE = 32
"""So many reviews ask other services at a time, and take one turn of the event loop at most."""

Review = Callable[[], Awaitable[bool]]
"""Whether a WebSocket may stay open."""


class WebSockets:
    """Closes those of people who may not have them any more.

    That is looked at once they are open, when something is heard of a user, for all when the policy
    changes, and each minute.
    """

    def __init__(
        self, registry: CollectorRegistry, *, most: int = 10_000, most_per_client: int = 100
    ) -> None:
        """There are `most` at the same time, `most_per_client` of one user or one subscriber."""
        self._most = most
        self._most_per_client = most_per_client
        self._of_client: Counter[str] = Counter()
        self._reviews: dict[Tunnel, Review] = {}
        self._of_user: defaultdict[str, set[Tunnel]] = defaultdict(set)
        self._tasks: set[asyncio.Task[None]] = set()
        self._all_due = asyncio.Event()
        Gauge("gateway_websockets", "Open WebSockets.", registry=registry).set_function(
            self._reviews.__len__
        )

    def require_room(self, client: str) -> None:
        """Raises `Throttled` where the client has as many as it may, `Unavailable` for all."""
        if self._of_client[client] >= self._most_per_client:
            raise Throttled(_RETRY_SECONDS)
        if len(self._reviews) >= self._most:
            raise Unavailable("websockets")

    def opened(self, tunnel: Tunnel, review: Review) -> None:
        """Another is open."""
        self._reviews[tunnel] = review
        self._of_client[tunnel.client] += 1
        if tunnel.uid is not None:
            self._of_user[tunnel.uid].add(tunnel)
        # What was heard while the upstream made up its mind found no tunnel yet.
        self._review_soon((tunnel,))

    def closed(self, tunnel: Tunnel) -> None:
        """It is closed."""
        if self._reviews.pop(tunnel, None) is None:
            return
        self._of_client[tunnel.client] -= 1
        if not self._of_client[tunnel.client]:
            del self._of_client[tunnel.client]
        mine = self._of_user.get(tunnel.uid or "", set())
        mine.discard(tunnel)
        if not mine:
            self._of_user.pop(tunnel.uid or "", None)

    def review_user(self, uid: str) -> None:
        """Something about the user changed."""
        if tunnels := tuple(self._of_user.get(uid, ())):
            self._review_soon(tunnels)

    def review_all(self) -> None:
        """Something changed, for whomever."""
        self._all_due.set()

    async def keep_reviewing(self) -> None:
        """Reviews all when that is due; each minute too, for sessions may end without a word."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_REVIEW_SECONDS):
                    await self._all_due.wait()
            self._all_due.clear()  # first: a change during the review asks for another one
            await self._review(tuple(self._reviews))

    def _review_soon(self, tunnels: Sequence[Tunnel]) -> None:
        task = asyncio.create_task(self._review(tunnels))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _review(self, tunnels: Sequence[Tunnel]) -> None:
        for start in range(0, len(tunnels), _AT_ONCE):
            some = tunnels[start : start + _AT_ONCE]
            await asyncio.gather(*(self._review_one(tunnel) for tunnel in some))

    async def _review_one(self, tunnel: Tunnel) -> None:
        review = self._reviews.get(tunnel)
        if review is not None and not await review() and tunnel in self._reviews:
            tunnel.close()
