"""The policy over HTTP."""

from aiohttp import web

from admin_svc.policy.read import ReadPolicy
from shared.web.answers import answer
from shared.web.routes import NoParameters

READ_POLICY = web.AppKey("read_policy", ReadPolicy)


async def show(request: web.Request, form: NoParameters) -> web.Response:
    """GET /policy, for gateways."""
    return answer((await request.app[READ_POLICY]()).body())
