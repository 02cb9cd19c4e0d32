"""The operations that change labels of users."""

from aiohttp import web

from admin_svc.audit.models import Actor
from admin_svc.labels.schemas import (
    AddLabelForm,
    ChangeLabelForm,
    DeleteLabelForm,
    PutLabelForm,
    label_to_public,
)
from admin_svc.labels.use_cases import Labels
from shared.contracts.administration import ChangedAttachment
from shared.web.answers import answer, nothing
from shared.web.principal import PRINCIPAL

LABELS = web.AppKey("labels", Labels)


async def create(request: web.Request, form: AddLabelForm) -> web.Response:
    """POST /admin/users/labels."""
    actor = Actor.of(request[PRINCIPAL])
    created = await request.app[LABELS].create(
        actor, form.uid, form.scope, form.key, form.value, form.description
    )
    return answer(label_to_public(created), 201)


async def change(request: web.Request, form: ChangeLabelForm) -> web.Response:
    """PUT /admin/users/labels."""
    return answer(label_to_public(await _updated(request, form, or_add=False)))


async def put(request: web.Request, form: PutLabelForm) -> web.Response:
    """POST /admin/users/labels/update."""
    updated = await _updated(request, form, or_add=form.replace is not False)
    return answer(label_to_public(updated), 201)


async def delete(request: web.Request, form: DeleteLabelForm) -> web.Response:
    """DELETE /admin/users/labels."""
    actor = Actor.of(request[PRINCIPAL])
    await request.app[LABELS].delete(actor, form.uid, form.scope, form.key)
    return nothing()


async def _updated(
    request: web.Request, form: ChangeLabelForm, *, or_add: bool
) -> ChangedAttachment:
    actor = Actor.of(request[PRINCIPAL])
    label = form.uid, form.scope, form.key, form.value, form.description
    return await request.app[LABELS].update(actor, *label, or_add=or_add)
