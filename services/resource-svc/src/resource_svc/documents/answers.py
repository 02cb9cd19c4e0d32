"""How an uploaded file is sent: to be kept, never to be shown as a page of ours."""

from aiohttp import hdrs, web

from resource_svc.documents.file_types import FILE_TYPES, extension_of
from resource_svc.documents.storage import StoredObject
from shared.errors import Unavailable
from shared.web.errors import OUTCOME


async def attachment(request: web.Request, key: str, stored: StoredObject) -> web.StreamResponse:
    """The file as it is read; when that fails midway, the connection ends before the file does."""
    name = key.rpartition("/")[2]
    response = web.StreamResponse(
        headers={
            "Content-Type": FILE_TYPES[extension_of(name)].media_type,
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "private, no-store",
        }
    )
    response.content_length = stored.size
    await response.prepare(request)
    if request.method == hdrs.METH_HEAD:
        return response
    try:
        async for chunk in stored.content:
            await response.write(chunk)
        await response.write_eof()
    except Unavailable:
        request[OUTCOME] = "upload.interrupted"
        if request.transport is not None:
            request.transport.abort()
    return response
