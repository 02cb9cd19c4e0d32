"""The operations that change labels of users."""

from aiohttp import web

from admin_svc.audit.models import Actor
from admin_svc.labels.change_labels import ChangeLabels
from admin_svc.labels.forms import (
    AddLabelForm,
    ChangeLabelForm,
    DeleteLabelForm,
    PutLabelForm,
)
from shared.contracts.administration import ChangedAttachment
from shared.web.answers import answer, nothing
from shared.web.principal import PRINCIPAL

CHANGE_LABELS = web.AppKey("change_labels", ChangeLabels)


async def create(request: web.Request, form: AddLabelForm) -> web.Response:
    """POST /admin/users/labels."""
    actor = Actor.of(request[PRINCIPAL])
    added = await request.app[CHANGE_LABELS].add(
        actor, form.uid, form.scope, form.key, form.value, form.description
    )
    return _shown(added, 201)


async def change(request: web.Request, form: ChangeLabelForm) -> web.Response:
    """PUT /admin/users/labels."""
    return _shown(await _changed(request, form, or_add=False), 200)


async def put(request: web.Request, form: PutLabelForm) -> web.Response:
    """POST /admin/users/labels/update."""
    return _shown(await _changed(request, form, or_add=form.replace is not False), 201)


async def delete(request: web.Request, form: DeleteLabelForm) -> web.Response:
    """DELETE /admin/users/labels."""
    actor = Actor.of(request[PRINCIPAL])
    await request.app[CHANGE_LABELS].delete(actor, form.uid, form.scope, form.key)
    return nothing()


async def _changed(
    request: web.Request, form: ChangeLabelForm, *, or_add: bool
) -> ChangedAttachment:
    actor = Actor.of(request[PRINCIPAL])
    label = form.uid, form.scope, form.key, form.value, form.description
    return await request.app[CHANGE_LABELS].change(actor, *label, or_add=or_add)


def _shown(changed: ChangedAttachment, status: int) -> web.Response:
    """The label, and its user in the state and of the level that it gives them."""
    return answer({**(changed.after or {}), "user": changed.user.model()}, status)
