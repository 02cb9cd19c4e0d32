"""The operation on data storages."""

from aiohttp import web

from admin_svc.audit.models import Actor
from admin_svc.data_storages.delete_data_storage import DeleteDataStorage
from admin_svc.data_storages.forms import DeleteDataStorageForm
from shared.web.answers import nothing
from shared.web.principal import PRINCIPAL

DELETE_DATA_STORAGE = web.AppKey("delete_data_storage", DeleteDataStorage)


async def delete(request: web.Request, form: DeleteDataStorageForm) -> web.Response:
    """DELETE /admin/users/data_storage."""
    actor = Actor.of(request[PRINCIPAL])
    await request.app[DELETE_DATA_STORAGE](actor, form.uid, form.title)
    return nothing()
