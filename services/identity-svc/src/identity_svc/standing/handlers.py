"""The internal operation on standing."""

from aiohttp import web

from identity_svc.standing.apply_labels import ApplyLabels
from identity_svc.standing.forms import ApplyLabelsForm
from shared.contracts.labels import PrivateLabels
from shared.web.answers import answer

APPLY_LABELS = web.AppKey("apply_labels", ApplyLabels)


async def apply_labels(request: web.Request, form: ApplyLabelsForm) -> web.Response:
    """PUT /users/{uid}/labels: the user as these labels make him."""
    labels = PrivateLabels(form.uid, form.version, form.labels)
    return answer((await request.app[APPLY_LABELS](labels)).snapshot())
