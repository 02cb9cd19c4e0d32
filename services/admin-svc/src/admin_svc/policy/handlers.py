"""The policy over HTTP."""

from aiohttp import web

from admin_svc.policy.schemas import PolicyForm
from admin_svc.policy.use_cases import GatewayPolicy
from shared.web.answers import answer, nothing

POLICY = web.AppKey("policy", GatewayPolicy)


async def show(request: web.Request, form: PolicyForm) -> web.Response:
    """GET /policy, for gateways; without a body where the gateway has this version."""
    policy = await request.app[POLICY].find_newer(form.known)
    return nothing() if policy is None else answer(policy.to_internal())
