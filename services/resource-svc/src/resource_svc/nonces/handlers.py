"""The operation on nonces."""

from aiohttp import web

from resource_svc.nonces.forms import UseNoncesForm
from resource_svc.nonces.use_nonces import UseNonces
from shared.web.answers import answer

USE_NONCES = web.AppKey("use_nonces", UseNonces)


async def use(request: web.Request, form: UseNoncesForm) -> web.Response:
    """POST /nonces/use, internal: which of these nonces were not used before."""
    return answer({"fresh": await request.app[USE_NONCES](form.nonces, form.lifetime)})
