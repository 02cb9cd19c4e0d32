"""The operation on data storages."""

from aiohttp import web

from admin_svc.audit.models import Actor
from admin_svc.data_storages.schemas import DeleteDataStorageForm
from admin_svc.data_storages.use_cases import DataStorages
from shared.web.answers import nothing
from shared.web.principal import PRINCIPAL

DATA_STORAGES = web.AppKey("data_storages", DataStorages)


async def delete(request: web.Request, form: DeleteDataStorageForm) -> web.Response:
    """DELETE /admin/users/data_storage."""
    actor = Actor.of(request[PRINCIPAL])
    await request.app[DATA_STORAGES].delete(actor, form.uid, form.title)
    return nothing()
