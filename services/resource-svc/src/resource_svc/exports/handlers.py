"""The operation on exports."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from aiohttp import hdrs, web
from marshmallow import fields

from resource_svc.exports.use_cases import Export, Exports
from shared.answer_schemas import described
from shared.errors import Unavailable
from shared.web.errors import OUTCOME
from shared.web.operations import NoParameters, operation
from shared.web.principal import PRINCIPAL

EXPORTS = web.AppKey("exports", Exports)


@operation(
    answer=fields.Raw(metadata=described("By kind; secrets are not in it.", type="object")),
    beyond_barong=True,
)
async def show(request: web.Request, _form: NoParameters) -> web.StreamResponse:
    """Everything the system holds about oneself."""
    uid = request[PRINCIPAL].uid
    return await _download(request, uid, await request.app[EXPORTS].collect(uid))


async def _download(request: web.Request, uid: str, export: Export) -> web.StreamResponse:
    """One JSON object as a file, page by page; raises `Unavailable` before a byte is sent.

    When a later page fails, the connection ends before the object does.
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
    """The text of the object; its first piece has the sections and the first activities."""
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
