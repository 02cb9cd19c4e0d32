"""Liveness and readiness, as Kubernetes asks for them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

Check = Callable[[], Awaitable[None]]
"""Returns when the part is usable; raises what is wrong otherwise."""

_CHECK_SECONDS = 2.0


async def live(_request: web.Request) -> web.Response:
    """GET /health/live: the event loop runs."""
    return web.json_response({"status": "alive"})


class Readiness:
    """GET /health/ready: 200 when every part is usable, else 503 with the names of those not."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks

    async def answer(self, _request: web.Request) -> web.Response:
        """The state of each part, without saying why: the log has the reason."""
        results = await asyncio.gather(*(self._passes(check) for check in self._checks.values()))
        parts = dict(zip(self._checks, results, strict=True))
        ready = all(results)
        body = {
            "status": "ready" if ready else "unready",
            "parts": {name: "up" if passed else "down" for name, passed in parts.items()},
        }
        return web.json_response(body, status=200 if ready else 503)

    @staticmethod
    async def _passes(check: Check) -> bool:
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                await check()
        except Exception:  # noqa: BLE001 - whatever it is, the part is not usable
            return False
        return True
