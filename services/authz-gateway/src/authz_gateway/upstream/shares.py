"""How many connections to one upstream each client has, so that nobody has them all."""

import asyncio
from collections import deque

from shared.errors import Throttled


class Share:
    """What one client has: `taken` connections, and calls that wait for one of them."""

    __slots__ = ("taken", "waiting")

    def __init__(self) -> None:
        self.taken = 0
        self.waiting: deque[asyncio.Future[None]] = deque()


class Shares:
    """Each client may have `most`; its calls beyond wait for its own, and nobody else's for them.

    A client is told by its name, that of a user or of a subscriber.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._of: dict[str, Share] = {}

    def take(self, client: str) -> Share | None:
        """The client's share, of which one more is taken now; None where there is no more."""
        share = self._of.get(client)
        if share is None:
            share = self._of[client] = Share()
        if share.taken >= self._most:
            return None
        share.taken += 1
        return share

    async def wait(self, client: str) -> Share:
        """The same, once one of the client's own calls has ended.

        Raises `Throttled` where as many of them wait already.
        """
        share = self._of[client]
        if len(share.waiting) >= self._most:
            raise Throttled(1)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        share.waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # its turn came at the last moment
                self.give_back(share)
            elif turn in share.waiting:
                share.waiting.remove(turn)
            raise
        return share

    def give_back(self, share: Share) -> None:
        """A call is over: the client's next one takes its place."""
        while share.waiting:
            turn = share.waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        share.taken -= 1

    def forget_unused(self) -> None:
        """Forgets clients that have nothing; to be called now and then."""
        for client in [client for client, share in self._of.items() if not share.taken]:
            del self._of[client]
