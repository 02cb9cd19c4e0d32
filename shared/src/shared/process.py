"""A service as a process: its components, its two ports, and graceful shutdown."""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

import structlog
import uvloop
from aiohttp import web

from shared.settings import ProcessSettings
from shared.tracing import exporting
from shared.web.server import HeadLimits, listening

log = structlog.get_logger()


class Server(Protocol):
    """A server that is not an aiohttp application."""

    def listening(self, host: str, port: int, patience: float) -> AbstractAsyncContextManager[str]:
        """Serves for the time of the block, and gives the address.

        At its end it stops listening, and gives calls under way `patience` seconds to end.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A deployable, wired but not yet running.

    `parts` (pools, clients, relay, subscriber) are entered in order before the ports open and left
    in reverse after they closed.
    """

    name: str
    settings: ProcessSettings
    internal: web.Application
    parts: Sequence[AbstractAsyncContextManager[object]]
    public: web.Application | Server | None = None
    public_port: int = 0


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses at which a running service listens."""

    public: str
    internal: str


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[Addresses]:
    """Runs a service for the time of the block; its dependencies need not be up yet.

    At its end it first stops listening and lets calls under way end, then closes its parts.
    """
    settings = service.settings
    async with AsyncExitStack() as stack:
        for part in service.parts:
            await stack.enter_async_context(part)
        internal = await stack.enter_async_context(
            _listening(service.internal, settings, settings.internal_port)
        )
        public = ""
        if service.public is not None:
            public = await stack.enter_async_context(
                _listening(service.public, settings, service.public_port)
            )
        yield Addresses(public, internal)


@asynccontextmanager
async def _listening(
    app: web.Application | Server, settings: ProcessSettings, port: int
) -> AsyncIterator[str]:
    if not isinstance(app, web.Application):
        async with app.listening(settings.host, port, settings.shutdown_seconds) as address:
            yield address
        return
    async with listening(
        app,
        settings.host,
        port,
        shutdown_seconds=settings.shutdown_seconds,
        limits=HeadLimits(
            url_bytes=settings.max_url_bytes,
            header_bytes=settings.max_header_bytes,
            headers=settings.max_headers,
        ),
    ) as address:
        yield address


def serve(service: Service) -> None:
    """Runs a service until SIGTERM or SIGINT."""
    uvloop.run(_until_stopped(service))


async def _until_stopped(service: Service) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    traces = exporting(service.name, service.settings.traces_endpoint)
    async with traces, running(service) as addresses:
        log.info("listening", public=addresses.public, internal=addresses.internal)
        await stop.wait()
        log.info("stopping")
