"""Per-client limits of the connections to one upstream: no client can use all of them."""

import asyncio
from collections import deque

from shared.errors import Throttled


class Share:
    """One client's connections in use, and its calls that wait for one of them."""

    __slots__ = ("in_use", "waiters")

    def __init__(self) -> None:
        self.in_use = 0
        self.waiters: deque[asyncio.Future[None]] = deque()


class Shares:
    """Each client may use `limit` connections; its further calls wait for its own ones to end.

    The key of a client is a uid or a network: see `client_key`.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._by_client: dict[str, Share] = {}

    def acquire(self, client: str) -> Share | None:
        """Takes one connection of the client's share; None when all are in use."""
        share = self._by_client.get(client)
        if share is None:
            share = self._by_client[client] = Share()
        if share.in_use >= self._limit:
            return None
        share.in_use += 1
        return share

    async def wait_for_slot(self, client: str) -> Share:
        """Takes one connection of the share once one of the client's calls has ended.

        Raises `Throttled` when `limit` calls of the client wait already.
        """
        share = self._by_client[client]
        if len(share.waiters) >= self._limit:
            raise Throttled(1)
        slot: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        share.waiters.append(slot)
        try:
            await slot
        except asyncio.CancelledError:
            if slot.done() and not slot.cancelled():  # granted and cancelled at the same time
                self.release(share)
            elif slot in share.waiters:
                share.waiters.remove(slot)
            raise
        return share

    def release(self, share: Share) -> None:
        """Ends the use of one connection; the client's next waiting call gets it."""
        while share.waiters:
            slot = share.waiters.popleft()
            if not slot.done():
                slot.set_result(None)
                return
        share.in_use -= 1

    def drop_idle(self) -> None:
        """Removes clients without connections; call it periodically."""
        for client in [client for client, share in self._by_client.items() if not share.in_use]:
            del self._by_client[client]
