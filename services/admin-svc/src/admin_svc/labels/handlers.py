"""The operations that change labels of users."""

from aiohttp import web

from admin_svc.audit.models import Actor
from admin_svc.directory.models import UserNotFound
from admin_svc.labels.schemas import (
    AddLabelForm,
    ChangedLabelSchema,
    ChangeLabelForm,
    DeleteLabelForm,
    PutLabelForm,
    label_to_public,
)
from admin_svc.labels.use_cases import Labels
from shared.contracts.administration import ChangedAttachment
from shared.contracts.refusals import (
    INVALID_LABEL,
    INVALID_LABEL_VALUE,
    LONG_DESCRIPTION,
    UNKNOWN_SCOPE,
    LabelKeyTaken,
    LabelNotFound,
)
from shared.policy.authority import NOT_ALLOWED
from shared.web.answers import answer, nothing
from shared.web.operations import operation
from shared.web.principal import PRINCIPAL

LABELS = web.AppKey("labels", Labels)


@operation(
    status=201,
    answer=ChangedLabelSchema,
    refuses=(
        *NOT_ALLOWED,
        UserNotFound,
        LabelKeyTaken,
        INVALID_LABEL,
        LONG_DESCRIPTION,
        UNKNOWN_SCOPE,
    ),
)
async def create(request: web.Request, form: AddLabelForm) -> web.Response:
    """Give a user a label."""
    actor = Actor.of(request[PRINCIPAL])
    created = await request.app[LABELS].create(
        actor, form.uid, form.scope, form.key, form.value, form.description
    )
    return answer(label_to_public(created))


@operation(
    answer=ChangedLabelSchema,
    refuses=(
        *NOT_ALLOWED,
        UserNotFound,
        LabelNotFound,
        INVALID_LABEL_VALUE,
        LONG_DESCRIPTION,
    ),
    missing_is_400=True,
)
async def change(request: web.Request, form: ChangeLabelForm) -> web.Response:
    """Change a user's label."""
    return answer(label_to_public(await _updated(request, form, or_add=False)))


@operation(
    status=201,
    answer=ChangedLabelSchema,
    refuses=(
        *NOT_ALLOWED,
        UserNotFound,
        LabelNotFound,
        INVALID_LABEL,
        LONG_DESCRIPTION,
    ),
    missing_is_400=True,
)
async def put(request: web.Request, form: PutLabelForm) -> web.Response:
    """Change a user's label."""
    updated = await _updated(request, form, or_add=form.replace is not False)
    return answer(label_to_public(updated))


@operation(status=204, refuses=(*NOT_ALLOWED, UserNotFound, LabelNotFound))
async def delete(request: web.Request, form: DeleteLabelForm) -> web.Response:
    """Remove a label from a user."""
    actor = Actor.of(request[PRINCIPAL])
    await request.app[LABELS].delete(actor, form.uid, form.scope, form.key)
    return nothing()


async def _updated(
    request: web.Request, form: ChangeLabelForm, *, or_add: bool
) -> ChangedAttachment:
    actor = Actor.of(request[PRINCIPAL])
    label = form.uid, form.scope, form.key, form.value, form.description
    return await request.app[LABELS].update(actor, *label, or_add=or_add)
