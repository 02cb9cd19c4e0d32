"""The operations that change labels of users."""

from aiohttp import web

from admin_svc.audit.author import Author
from admin_svc.labels.add_label import AddLabel
from admin_svc.labels.change_label import ChangeLabel
from admin_svc.labels.delete_label import DeleteLabel
from admin_svc.labels.forms import (
    AddLabelForm,
    ChangeLabelForm,
    DeleteLabelForm,
    PutLabelForm,
)
from shared.contracts.labels import ChangedLabel
from shared.web.answers import answer, nothing
from shared.web.principal import PRINCIPAL

ADD_LABEL = web.AppKey("add_label", AddLabel)
CHANGE_LABEL = web.AppKey("change_label", ChangeLabel)
DELETE_LABEL = web.AppKey("delete_label", DeleteLabel)


async def create(request: web.Request, form: AddLabelForm) -> web.Response:
    """POST /admin/users/labels."""
    author = Author.of(request[PRINCIPAL])
    added = await request.app[ADD_LABEL](
        author, form.uid, form.scope, form.key, form.value, form.description
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
    author = Author.of(request[PRINCIPAL])
    await request.app[DELETE_LABEL](author, form.uid, form.scope, form.key)
    return nothing()


async def _changed(request: web.Request, form: ChangeLabelForm, *, or_add: bool) -> ChangedLabel:
    author = Author.of(request[PRINCIPAL])
    label = form.uid, form.scope, form.key, form.value, form.description
    return await request.app[CHANGE_LABEL](author, *label, or_add=or_add)


def _shown(changed: ChangedLabel, status: int) -> web.Response:
    """The label, and its user in the state and of the level that it made of him."""
    return answer({**(changed.after or {}), "user": changed.user.model()}, status)
