"""The answers that show activities: a page of them, or a file with all."""

from collections.abc import AsyncIterator, Mapping, Sequence

import structlog
from aiohttp import hdrs, web

from admin_svc.activities.export import FileFormat
from admin_svc.activities.find import FoundActivity
from shared.web.answers import answer

log = structlog.get_logger()


def listed(
    page: Sequence[FoundActivity], limit: int, headers: Mapping[str, str] | None = None
) -> web.Response:
    """A page, with the cursor behind which it goes on unless this is seen to be the end."""
    headers = {"Per-Page": str(limit)} if headers is None else dict(headers)
    if len(page) == limit:
        headers["Next-Cursor"] = page[-1].position.cursor
    return answer([found.model() for found in page], headers=headers)


async def exported(
    request: web.Request, file: FileFormat, batches: AsyncIterator[list[FoundActivity]]
) -> web.StreamResponse:
    """The file, of which no more than a batch is in memory at any time."""
    nothing: list[FoundActivity] = []
    batch = await anext(batches, nothing)  # while there still can be another answer
    response = web.StreamResponse(
        headers={
            hdrs.CONTENT_TYPE: file.content_type,
            hdrs.CONTENT_DISPOSITION: f'attachment; filename="{file.name}"',
            hdrs.CACHE_CONTROL: "no-store",
        }
    )
    await response.prepare(request)
    if request.method == hdrs.METH_HEAD:
        return response
    try:
        await response.write(file.heading)
        while batch:
            await response.write(file.lines(batch))
            batch = await anext(batches, nothing)
        await response.write_eof()
    except ConnectionError:
        log.info("export_abandoned")  # he has hung up
    except Exception:
        log.exception("export_broken_off")
        if request.transport is not None:
            request.transport.abort()  # or he would take what he has for the whole
    return response
