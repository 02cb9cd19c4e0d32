"""The operation on nonces."""

from aiohttp import web

from resource_svc.nonces.schemas import UseNoncesForm
from resource_svc.nonces.use_cases import Nonces
from shared.web.answers import answer

NONCES = web.AppKey("nonces", Nonces)


async def use(request: web.Request, form: UseNoncesForm) -> web.Response:
    """POST /nonces/use, internal: which of these nonces were not used before."""
    return answer({"fresh": await request.app[NONCES].use(form.nonces, form.lifetime)})
