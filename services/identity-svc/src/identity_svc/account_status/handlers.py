"""The internal operations on account status."""

from aiohttp import web

from identity_svc.account_status.schemas import ApplyLabelsForm
from identity_svc.account_status.use_cases import AccountStatus
from identity_svc.users.schemas import GetUserForm
from shared.contracts.labels import PrivateLabels
from shared.web.answers import answer, nothing

ACCOUNT_STATUS = web.AppKey("account_status", AccountStatus)


async def apply_labels(request: web.Request, form: ApplyLabelsForm) -> web.Response:
    """PUT /users/{uid}/labels: the user as these labels make them."""
    labels = PrivateLabels(form.uid, form.version, form.labels)
    return answer((await request.app[ACCOUNT_STATUS].apply_labels(labels)).to_internal())


async def demand_successor(request: web.Request, form: GetUserForm) -> web.Response:
    """POST /users/{uid}/successor: whether the user may delete their account."""
    await request.app[ACCOUNT_STATUS].demand_successor(form.uid)
    return nothing()
