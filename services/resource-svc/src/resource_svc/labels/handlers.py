"""The operations on labels."""

from aiohttp import web

from resource_svc.labels.models import LabelIsPrivate, TooManyLabels
from resource_svc.labels.schemas import (
    AnyKeyForm,
    AnyLabelForm,
    KeyForm,
    LabelForm,
    PrivateLabelForm,
)
from resource_svc.labels.use_cases import Labels
from shared.contracts.refusals import INVALID_LABEL, INVALID_LABEL_VALUE, LabelKeyTaken
from shared.contracts.schemas import LabelSchema
from shared.errors import NotFound
from shared.web.answers import answer, nothing
from shared.web.operations import NoParameters, operation
from shared.web.principal import PRINCIPAL

LABELS = web.AppKey("labels", Labels)


@operation(answer=LabelSchema(many=True))
async def index(request: web.Request, _form: NoParameters) -> web.Response:
    """One's labels."""
    labels = await request.app[LABELS].list(request[PRINCIPAL].uid)
    return answer([label.to_public() for label in labels])


@operation(answer=LabelSchema, refuses=(NotFound,), missing_is_400=True)
async def show(request: web.Request, form: KeyForm) -> web.Response:
    """One of one's labels."""
    label = await request.app[LABELS].get(request[PRINCIPAL].uid, form.key)
    return answer(label.to_public())


@operation(
    status=201,
    answer=LabelSchema,
    refuses=(LabelKeyTaken, TooManyLabels, INVALID_LABEL),
    missing_is_400=True,
)
async def create(request: web.Request, form: LabelForm) -> web.Response:
    """Add a public label."""
    label = await request.app[LABELS].create(request[PRINCIPAL].uid, form.key, form.value)
    return answer(label.to_public())


@operation(
    answer=LabelSchema, refuses=(LabelIsPrivate, NotFound, INVALID_LABEL_VALUE), missing_is_400=True
)
async def change(request: web.Request, form: LabelForm) -> web.Response:
    """Change a public label."""
    label = await request.app[LABELS].update(request[PRINCIPAL].uid, form.key, form.value)
    return answer(label.to_public())


@operation(status=204, refuses=(LabelIsPrivate, NotFound), missing_is_400=True)
async def delete(request: web.Request, form: KeyForm) -> web.Response:
    """Remove a public label."""
    await request.app[LABELS].delete(request[PRINCIPAL].uid, form.key)
    return nothing()


async def put_private(request: web.Request, form: PrivateLabelForm) -> web.Response:
    """PUT /users/{uid}/labels/{key}: a private label; the caller applies the answer itself."""
    labels = await request.app[LABELS].put_private(form.uid, form.key, form.value)
    return answer(labels.to_internal())


async def create_as_admin(request: web.Request, form: AnyLabelForm) -> web.Response:
    """POST /subjects/{uid}/labels: a new label, by an administrator."""
    label = form.uid, form.scope, form.key, form.value, form.description
    return answer((await request.app[LABELS].create_as_admin(form.by, *label)).to_internal())


async def update_as_admin(request: web.Request, form: AnyLabelForm) -> web.Response:
    """PUT /subjects/{uid}/labels: another value for a label, by an administrator."""
    label = form.uid, form.scope, form.key, form.value, form.description
    changed = await request.app[LABELS].update_as_admin(form.by, *label, or_add=form.or_add)
    return answer(changed.to_internal())


async def delete_as_admin(request: web.Request, form: AnyKeyForm) -> web.Response:
    """DELETE /subjects/{uid}/labels: deletes a label, by an administrator."""
    changed = await request.app[LABELS].delete_as_admin(form.by, form.uid, form.scope, form.key)
    return answer(changed.to_internal())
