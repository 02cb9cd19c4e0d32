"""A receiver of webhooks, as an operator's partner would run one, on a port of this machine."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from shared.web.server import listening
from tests.support.waiting import until


@dataclass(frozen=True, slots=True)
class Received:
    """One call: its headers in lower case, and its body byte for byte."""

    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Receiver:
    """Remembers every call, and answers each with what `answer` makes."""

    url: str = ""
    calls: list[Received] = field(default_factory=list)
    answer: Callable[[], web.StreamResponse] = web.Response
    hang: asyncio.Event | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """POST to any path."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.calls.append(Received(headers, await request.read()))
        if self.hang is not None:
            await self.hang.wait()
        return self.answer()

    async def next_calls(self, number: int, seconds: float = 20) -> list[Received]:
        """All calls, once there are so many."""

        async def enough() -> bool:
            return len(self.calls) >= number

        await until(enough, seconds)
        return self.calls


@asynccontextmanager
async def webhook_receiver() -> AsyncIterator[Receiver]:
    """A receiver that answers 200 until it is told otherwise."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/{path:.*}", receiver.handle)
    async with listening(app, "127.0.0.1", 0, shutdown_seconds=0.1) as address:
        receiver.url = f"{address}/hook"
        try:
            yield receiver
        finally:
            if receiver.hang is not None:
                receiver.hang.set()
