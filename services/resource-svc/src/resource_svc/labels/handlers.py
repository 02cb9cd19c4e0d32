"""The operations on labels."""

from aiohttp import web

from resource_svc.labels.add_any_label import AddAnyLabel
from resource_svc.labels.add_label import AddLabel
from resource_svc.labels.apply_labels import ApplyLabels
from resource_svc.labels.change_any_label import ChangeAnyLabel
from resource_svc.labels.change_label import ChangeLabel
from resource_svc.labels.changed_label import ChangedLabel
from resource_svc.labels.delete_any_label import DeleteAnyLabel
from resource_svc.labels.delete_label import DeleteLabel
from resource_svc.labels.find_label import FindLabel
from resource_svc.labels.forms import (
    AnyKeyForm,
    AnyLabelForm,
    KeyForm,
    LabelForm,
    PrivateLabelForm,
)
from resource_svc.labels.list_labels import ListLabels
from resource_svc.labels.put_private_label import PutPrivateLabel
from resource_svc.users.find_user import FindUser
from shared.web.answers import answer, nothing
from shared.web.principal import PRINCIPAL
from shared.web.routes import NoParameters

ADD_LABEL = web.AppKey("add_label", AddLabel)
APPLY_LABELS = web.AppKey("apply_labels", ApplyLabels)
CHANGE_LABEL = web.AppKey("change_label", ChangeLabel)
DELETE_LABEL = web.AppKey("delete_label", DeleteLabel)
FIND_LABEL = web.AppKey("find_label", FindLabel)
LIST_LABELS = web.AppKey("list_labels", ListLabels)
ADD_ANY_LABEL = web.AppKey("add_any_label", AddAnyLabel)
CHANGE_ANY_LABEL = web.AppKey("change_any_label", ChangeAnyLabel)
DELETE_ANY_LABEL = web.AppKey("delete_any_label", DeleteAnyLabel)
FIND_USER = web.AppKey("find_user", FindUser)
PUT_PRIVATE_LABEL = web.AppKey("put_private_label", PutPrivateLabel)


async def index(request: web.Request, _form: NoParameters) -> web.Response:
    """GET /labels: all labels of the caller."""
    labels = await request.app[LIST_LABELS](request[PRINCIPAL].uid)
    return answer([label.model() for label in labels])


async def show(request: web.Request, form: KeyForm) -> web.Response:
    """GET /labels/{key}: one of them."""
    label = await request.app[FIND_LABEL](request[PRINCIPAL].uid, form.key)
    return answer(label.model())


async def create(request: web.Request, form: LabelForm) -> web.Response:
    """POST /labels: a new public label."""
    label = await request.app[ADD_LABEL](request[PRINCIPAL].uid, form.key, form.value)
    return answer(label.model(), 201)


async def change(request: web.Request, form: LabelForm) -> web.Response:
    """PATCH /labels/{key}: another value for a public label."""
    label = await request.app[CHANGE_LABEL](request[PRINCIPAL].uid, form.key, form.value)
    return answer(label.model())


async def delete(request: web.Request, form: KeyForm) -> web.Response:
    """DELETE /labels/{key}: a public label less."""
    await request.app[DELETE_LABEL](request[PRINCIPAL].uid, form.key)
    return nothing()


async def put_private(request: web.Request, form: PrivateLabelForm) -> web.Response:
    """PUT /users/{uid}/labels/{key}: a private label; who asks draws the conclusions."""
    labels = await request.app[PUT_PRIVATE_LABEL](form.uid, form.key, form.value)
    return answer(labels.snapshot())


async def add_any(request: web.Request, form: AnyLabelForm) -> web.Response:
    """POST /users/{uid}/labels: a label more, for an administrator."""
    changed = await request.app[ADD_ANY_LABEL](
        form.uid, form.scope, form.key, form.value, form.description
    )
    return await _changed(request, form.uid, changed)


async def change_any(request: web.Request, form: AnyLabelForm) -> web.Response:
    """PUT /users/{uid}/labels: another value for a label, which may be added."""
    changed = await request.app[CHANGE_ANY_LABEL](
        form.uid, form.scope, form.key, form.value, form.description, or_add=form.or_add
    )
    return await _changed(request, form.uid, changed)


async def delete_any(request: web.Request, form: AnyKeyForm) -> web.Response:
    """DELETE /users/{uid}/labels: a label less."""
    changed = await request.app[DELETE_ANY_LABEL](form.uid, form.scope, form.key)
    return await _changed(request, form.uid, changed)


async def _changed(request: web.Request, uid: str, changed: ChangedLabel) -> web.Response:
    """The label before and after, and its user with the state and level that come of it."""
    if changed.private_labels is not None:
        await request.app[APPLY_LABELS](changed.private_labels)
    before, after = changed.before, changed.after
    return answer(
        {
            "before": before.administered() if before else None,
            "after": after.administered() if after else None,
            "user": (await request.app[FIND_USER](uid)).snapshot(),
        }
    )
