"""The policy over HTTP."""

from aiohttp import web

from admin_svc.policy.forms import PolicyForm
from admin_svc.policy.read import ReadPolicy
from shared.web.answers import answer, nothing

READ_POLICY = web.AppKey("read_policy", ReadPolicy)


async def show(request: web.Request, form: PolicyForm) -> web.Response:
    """GET /policy, for gateways; nothing for who has it already."""
    policy = await request.app[READ_POLICY](form.known)
    return nothing() if policy is None else answer(policy.body())
