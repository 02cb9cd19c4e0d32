"""The operations on documents."""

from aiohttp import hdrs, web

from resource_svc.documents.models import (
    INVALID_DOCUMENT,
    REFUSED_UPLOAD,
    AlreadyExpired,
    BadLink,
    ExpiryNotADate,
    NoExpiry,
    TooManyDocuments,
)
from resource_svc.documents.schemas import DocumentForm, LinkForm, ListLinksForm
from resource_svc.documents.storage import StoredObject
from resource_svc.documents.use_cases import Documents
from resource_svc.file_types import FILE_TYPES, extension_of
from shared.answer_schemas import FILE
from shared.contracts.schemas import DocumentSchema
from shared.errors import Unavailable
from shared.web.answers import answer
from shared.web.errors import OUTCOME
from shared.web.operations import FormReader, NoParameters, operation
from shared.web.principal import PRINCIPAL

DOCUMENTS = web.AppKey("documents", Documents)

_MEDIA_TYPES = [kind.media_type for kind in FILE_TYPES.values()]


@operation(answer=DocumentSchema(many=True))
async def index(request: web.Request, _form: NoParameters) -> web.Response:
    """One's documents."""
    use_cases = request.app[DOCUMENTS]
    documents = await use_cases.list(request[PRINCIPAL].uid)
    links = await use_cases.links.sign([document.upload for document in documents])
    return answer([d.to_public(link) for d, link in zip(documents, links, strict=True)])


@operation(
    status=201,
    answer=DocumentSchema,
    refuses=(
        TooManyDocuments,
        NoExpiry,
        AlreadyExpired,
        ExpiryNotADate,
        INVALID_DOCUMENT,
        REFUSED_UPLOAD,
    ),
    missing_is_400=True,
)
async def create(request: web.Request, reader: FormReader[DocumentForm]) -> web.Response:
    """Upload documents, all or none of them; shows the first."""
    use_cases, uid = request.app[DOCUMENTS], request[PRINCIPAL].uid
    async with use_cases.uploads.receiving(uid) as files:
        form = await reader.read(files)
        first, *_ = await use_cases.create(uid, form)
    (link,) = await use_cases.links.sign([first.upload])
    return answer(first.to_public(link))


async def links(request: web.Request, form: ListLinksForm) -> web.Response:
    """POST /uploads/links: a link to each uploaded file that the body names, in its order."""
    return answer({"links": list(await request.app[DOCUMENTS].links.sign(form.keys))})


@operation(
    other_types=dict.fromkeys(_MEDIA_TYPES, FILE),
    refuses=(BadLink,),
    statuses=(404,),
    beyond_barong=True,
)
async def download(request: web.Request, form: LinkForm) -> web.StreamResponse:
    """An uploaded file, by a signed link."""
    uploads = request.app[DOCUMENTS].uploads
    stored = await uploads.open(form.key, form.expires or "", form.signature or "")
    return await _attachment(request, form.key, stored)


async def _attachment(request: web.Request, key: str, stored: StoredObject) -> web.StreamResponse:
    """The file as it is read; browsers save it, and never show it as a page of ours.

    When reading fails midway, the connection ends before the file does.
    """
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
