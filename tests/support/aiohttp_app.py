"""Serves an aiohttp application of a test, on a free port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import TestServer


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    """Serves `app` on 127.0.0.1 while the block runs; yields its URL without a slash at the end.

    At the end it gives running handlers a second. Unlike pytest-aiohttp's `aiohttp_server`, it also
    works in fixtures of modules.
    """
    server = TestServer(app)
    await server.start_server(shutdown_timeout=1)
    try:
        yield str(server.make_url("")).rstrip("/")
    finally:
        await server.close()
