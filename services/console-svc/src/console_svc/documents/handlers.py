"""Documents of a member."""

from pathlib import Path

import aiohttp
import yaml
from aiohttp import web

from console_svc.pages.visit import Eager, Visit
from shared.settings import SettingsError

DOCUMENT_TYPES = web.AppKey("document_types", tuple[str, ...])

_PAGE = "/account/documents"
_UPLOAD_SECONDS = 300.0
_FIELDS = ("doc_type", "doc_number", "doc_expire")


def read_document_types(path: Path) -> tuple[str, ...]:
    """The names in document_types.yaml, which resource-svc checks; raises `SettingsError`."""
    try:
        rows = yaml.safe_load(path.read_text(encoding="utf-8"))["types"]
        return tuple(str(row["name"] if isinstance(row, dict) else row) for row in rows)
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise SettingsError([f"{path}: {error}"]) from None


@Eager
async def show(visit: Visit) -> web.StreamResponse:
    """One's documents, and the form of another."""
    documents = (await visit.get("resource/documents")).body
    return visit.page(
        "documents/documents.html", documents=documents, types=visit.request.app[DOCUMENT_TYPES]
    )


async def upload(visit: Visit) -> web.StreamResponse:
    """Sends the files on, as they came."""
    data = aiohttp.FormData()
    for name in _FIELDS:
        if text := visit.text(name):
            data.add_field(name, text)
    for file in visit.files("upload"):
        data.add_field("upload[]", file.content, filename=file.filename)
    await visit.api.call(
        visit.request,
        "POST",
        "resource/documents",
        csrf=visit.csrf_token,
        data=data,
        seconds=_UPLOAD_SECONDS,
    )
    return visit.go(_PAGE, "document_uploaded")
