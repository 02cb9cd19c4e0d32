"""The operations on labels."""

from aiohttp import web

from resource_svc.labels.add_label import AddLabel
from resource_svc.labels.apply_labels import ApplyLabels
from resource_svc.labels.change_label import ChangeLabel
from resource_svc.labels.delete_label import DeleteLabel
from resource_svc.labels.find_label import FindLabel
from resource_svc.labels.forms import KeyForm, LabelForm, PrivateLabelForm
from resource_svc.labels.list_labels import ListLabels
from resource_svc.labels.put_private_label import PutPrivateLabel
from shared.contracts.services import IDENTITY
from shared.web.answers import answer, nothing
from shared.web.principal import PRINCIPAL
from shared.web.routes import CALLER, NoParameters

ADD_LABEL = web.AppKey("add_label", AddLabel)
APPLY_LABELS = web.AppKey("apply_labels", ApplyLabels)
CHANGE_LABEL = web.AppKey("change_label", ChangeLabel)
DELETE_LABEL = web.AppKey("delete_label", DeleteLabel)
FIND_LABEL = web.AppKey("find_label", FindLabel)
LIST_LABELS = web.AppKey("list_labels", ListLabels)
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
    """PUT /users/{uid}/labels/{key}: a private label, for services that decide on it."""
    labels = await request.app[PUT_PRIVATE_LABEL](form.uid, form.key, form.value)
    if request[CALLER] != IDENTITY:  # identity-svc applies this very answer: no call back
        await request.app[APPLY_LABELS](labels)
    return answer(labels.snapshot())
