"""How values look in answers."""

import json
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiohttp import web

_dumps = partial(json.dumps, ensure_ascii=False, separators=(",", ":"))


def answer(body: Any, status: int = 200, headers: Any = None) -> web.Response:
    """A JSON answer."""
    return web.json_response(body, status=status, headers=headers, dumps=_dumps)


def nothing(status: int = 204) -> web.Response:
    """An answer without a body."""
    return web.Response(status=status)


def seconds(moment: datetime) -> str:
    """A moment as models show it: 2026-01-28T08:35:29Z."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def milliseconds(moment: datetime) -> str:
    """A moment as raw lists show it: 2026-01-28T08:35:29.000Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
