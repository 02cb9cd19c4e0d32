"""Answers in JSON."""

import json
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

_CONTENT_TYPE = "application/json; charset=utf-8"
_EXPLICIT = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
"""Moments and dataclasses have no form of orjson's: ours are declared."""


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON answer."""
    return web.Response(
        body=_rendered(body),
        status=status,
        headers={**(headers or {}), "Content-Type": _CONTENT_TYPE},
    )


def _rendered(body: Any) -> bytes:
    try:
        return orjson.dumps(body, option=_EXPLICIT)
    except TypeError:  # an integer of more than 64 bits, or what is no JSON at all
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def nothing() -> web.Response:
    """An answer without a body."""
    return web.Response(status=204)
