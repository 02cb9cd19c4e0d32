"""The operations on documents."""

from aiohttp import web

from resource_svc.documents.add_documents import AddDocuments
from resource_svc.documents.answers import attachment
from resource_svc.documents.forms import DocumentForm, LinkForm, ListLinksForm
from resource_svc.documents.links import Links
from resource_svc.documents.list_documents import ListDocuments
from resource_svc.documents.open_upload import OpenUpload
from resource_svc.documents.receive_files import ReceiveFiles
from shared.web.answers import answer
from shared.web.parameters import read_form
from shared.web.principal import PRINCIPAL
from shared.web.routes import NoParameters

ADD_DOCUMENTS = web.AppKey("add_documents", AddDocuments)
LINKS: web.AppKey[Links] = web.AppKey("links")
LIST_DOCUMENTS = web.AppKey("list_documents", ListDocuments)
OPEN_UPLOAD = web.AppKey("open_upload", OpenUpload)
RECEIVE_FILES = web.AppKey("receive_files", ReceiveFiles)


async def index(request: web.Request, _form: NoParameters) -> web.Response:
    """GET /documents: all documents of the caller."""
    documents = await request.app[LIST_DOCUMENTS](request[PRINCIPAL].uid)
    links = await request.app[LINKS]([document.upload for document in documents])
    return answer([d.model(link) for d, link in zip(documents, links, strict=True)])


async def create(request: web.Request, _form: NoParameters) -> web.Response:
    """POST /documents: a document more for each file; the answer shows the first."""
    uid = request[PRINCIPAL].uid
    async with request.app[RECEIVE_FILES](uid) as files:
        form = await read_form(request, DocumentForm, tells_missing=True, files=files)
        first, *_ = await request.app[ADD_DOCUMENTS](uid, form)
    (link,) = await request.app[LINKS]([first.upload])
    return answer(first.model(link), 201)


async def links(request: web.Request, form: ListLinksForm) -> web.Response:
    """POST /uploads/links: a link to each uploaded file that the body names, in its order."""
    return answer({"links": list(await request.app[LINKS](form.keys))})


async def download(request: web.Request, form: LinkForm) -> web.StreamResponse:
    """GET /uploads/{key}: an uploaded file, for who has a link to it."""
    stored = await request.app[OPEN_UPLOAD](form.key, form.expires or "", form.signature or "")
    return await attachment(request, form.key, stored)
