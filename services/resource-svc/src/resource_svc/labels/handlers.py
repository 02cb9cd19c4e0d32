"""The operations on labels."""

from aiohttp import web

from resource_svc.labels.add_label import AddLabel
from resource_svc.labels.administer_labels import AdministerLabels
from resource_svc.labels.change_label import ChangeLabel
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
from shared.web.answers import answer, nothing
from shared.web.principal import PRINCIPAL
from shared.web.routes import NoParameters

ADD_LABEL = web.AppKey("add_label", AddLabel)
CHANGE_LABEL = web.AppKey("change_label", ChangeLabel)
DELETE_LABEL = web.AppKey("delete_label", DeleteLabel)
FIND_LABEL = web.AppKey("find_label", FindLabel)
LIST_LABELS = web.AppKey("list_labels", ListLabels)
ADMINISTER_LABELS = web.AppKey("administer_labels", AdministerLabels)
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
    changed = await request.app[ADMINISTER_LABELS].add(
        form.by, form.uid, form.scope, form.key, form.value, form.description
    )
    return answer(changed.body())


async def change_any(request: web.Request, form: AnyLabelForm) -> web.Response:
    """PUT /users/{uid}/labels: another value for a label, which may be added."""
    label = form.uid, form.scope, form.key, form.value, form.description
    changed = await request.app[ADMINISTER_LABELS].change(form.by, *label, or_add=form.or_add)
    return answer(changed.body())


async def delete_any(request: web.Request, form: AnyKeyForm) -> web.Response:
    """DELETE /users/{uid}/labels: a label less."""
    changed = await request.app[ADMINISTER_LABELS].delete(form.by, form.uid, form.scope, form.key)
    return answer(changed.body())
