"""How an export is sent: as a file, page by page, whole or visibly broken off."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from aiohttp import hdrs, web

from resource_svc.exports.collect_export import Export
from shared.errors import Unavailable
from shared.web.errors import OUTCOME


async def download(request: web.Request, uid: str, export: Export) -> web.StreamResponse:
    """One JSON object; raises `Unavailable` before a byte is sent.

    When it cannot be gone on with, the connection ends before the object does.
    """
    pieces = _pieces(export)
    first = await anext(pieces)
    response = web.StreamResponse(
        headers={
            "Content-Type": "application/json; charset=utf-8",
            "Content-Disposition": f'attachment; filename="{uid}.json"',
            "Cache-Control": "private, no-store",
        }
    )
    await response.prepare(request)
    if request.method == hdrs.METH_HEAD:
        return response
    try:
        await response.write(first)
        async for piece in pieces:
            await response.write(piece)
        await response.write_eof()
    except Unavailable:
        request[OUTCOME] = "export.interrupted"
        if request.transport is not None:
            request.transport.abort()
    return response


async def _pieces(export: Export) -> AsyncIterator[bytes]:
    """The object's text; the first page of activities is in the first piece."""
    text = f'{_json(export.sections)[:-1]},"activities":['
    separator = ""
    async for page in export.activities:
        for activity in page:
            text += separator + _json(activity)
            separator = ","
        yield text.encode()
        text = ""
    yield f"{text}]}}".encode()


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
