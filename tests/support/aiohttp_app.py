"""Serves an aiohttp application of a test, on a free port."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import TestServer


@asynccontextmanager
async def serving(
    app: web.Application, tls: ssl.SSLContext | None = None, shutdown_seconds: float = 1
) -> AsyncIterator[str]:
    """Serves `app` on 127.0.0.1 while the block runs; yields its URL without a slash at the end.

    At the end it gives running handlers `shutdown_seconds`. Unlike pytest-aiohttp's
    `aiohttp_server`, it also works in fixtures of modules.
    """
    server = TestServer(app)
    await server.start_server(shutdown_timeout=shutdown_seconds, ssl=tls)
    try:
        yield str(server.make_url("")).rstrip("/")
    finally:
        await server.close()
