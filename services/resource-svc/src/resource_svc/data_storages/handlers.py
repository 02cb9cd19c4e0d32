"""The operations on data storages."""

from aiohttp import web

from resource_svc.data_storages.schemas import DataStorageForm, DeleteDataStorageForm
from resource_svc.data_storages.use_cases import DataStorages
from shared.web.answers import answer
from shared.web.principal import PRINCIPAL

DATA_STORAGES = web.AppKey("data_storages", DataStorages)


async def create(request: web.Request, form: DataStorageForm) -> web.Response:
    """POST /data_storage: a new data storage."""
    uid = request[PRINCIPAL].uid
    storage = await request.app[DATA_STORAGES].create(uid, form.title, form.data)
    return answer(storage.to_public(), 201)


async def delete_as_admin(request: web.Request, form: DeleteDataStorageForm) -> web.Response:
    """DELETE /subjects/{uid}/data_storages: deletes a data storage, by an administrator."""
    data_storages = request.app[DATA_STORAGES]
    changed = await data_storages.delete_as_admin(form.by, form.uid, form.title)
    return answer(changed.to_internal())
