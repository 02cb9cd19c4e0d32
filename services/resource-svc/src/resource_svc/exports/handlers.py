"""The operation on exports."""

from aiohttp import web

from resource_svc.exports.answers import download
from resource_svc.exports.collect_export import CollectExport
from shared.web.principal import PRINCIPAL
from shared.web.routes import NoParameters

COLLECT_EXPORT = web.AppKey("collect_export", CollectExport)


async def show(request: web.Request, _form: NoParameters) -> web.StreamResponse:
    """GET /users/me/export: everything that is held about the caller."""
    uid = request[PRINCIPAL].uid
    return await download(request, uid, await request.app[COLLECT_EXPORT](uid))
