"""An aiohttp handler that does nothing but answer so many bytes of JSON: PORT BYTES."""

import asyncio
import sys

import uvloop
from aiohttp import web


async def serve(port: int, size: int) -> None:
    """Answers until it is killed."""
    body = b'"' + b"x" * (size - 2) + b'"'

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2])))
