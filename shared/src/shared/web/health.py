"""Liveness and readiness for Kubernetes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog
from aiohttp import web

from shared.reasons import reason_of

log = structlog.get_logger()

Check = Callable[[], Awaitable[None]]
"""Returns when a dependency is usable; otherwise raises the error."""

CHECK_SECONDS = 2.0


async def live(_request: web.Request) -> web.Response:
    """GET /health/live: the event loop runs."""
    return web.json_response({"status": "alive"})


class Readiness:
    """GET /health/ready: 200 when every dependency that calls need is usable, else 503.

    The answer also shows dependencies that are `watched`: without them work waits, and no call
    fails.
    """

    def __init__(
        self,
        checks: Mapping[str, Check],
        watched: Mapping[str, Check],
        *,
        seconds: float = CHECK_SECONDS,
    ) -> None:
        """`seconds` is the time limit of each check."""
        self._seconds = seconds
        self._needed = frozenset(checks)
        self._checks = {**checks, **watched}
        self._reasons: dict[str, str] = {}

    async def answer(self, _request: web.Request) -> web.Response:
        """The state of each dependency; the log has the reasons."""
        results = await asyncio.gather(*(self._passes(name) for name in self._checks))
        parts = dict(zip(self._checks, results, strict=True))
        ready = all(parts[name] for name in self._needed)
        body = {
            "status": "ready" if ready else "unready",
            "parts": {name: "up" if passed else "down" for name, passed in parts.items()},
        }
        return web.json_response(body, status=200 if ready else 503)

    async def _passes(self, name: str) -> bool:
        try:
            async with asyncio.timeout(self._seconds):
                await self._checks[name]()
        except Exception as error:  # noqa: BLE001 - whatever it is, the part is not usable
            self._note(name, reason_of(error))
            return False
        self._note(name, "")
        return True

    def _note(self, name: str, reason: str) -> None:
        """Logs changes only: probes come every few seconds."""
        if reason == self._reasons.get(name, ""):
            return
        self._reasons[name] = reason
        if reason:
            log.warning("part_down", part=name, reason=reason)
        else:
            log.info("part_up", part=name)
