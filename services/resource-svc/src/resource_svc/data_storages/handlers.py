"""The operations on data storages."""

from aiohttp import web

from resource_svc.data_storages.create_data_storage import CreateDataStorage
from resource_svc.data_storages.delete_data_storage import DeleteDataStorage
from resource_svc.data_storages.forms import DataStorageForm, DeleteDataStorageForm
from shared.web.answers import answer
from shared.web.principal import PRINCIPAL

CREATE_DATA_STORAGE = web.AppKey("create_data_storage", CreateDataStorage)
DELETE_DATA_STORAGE = web.AppKey("delete_data_storage", DeleteDataStorage)


async def create(request: web.Request, form: DataStorageForm) -> web.Response:
    """POST /data_storage: a data storage more."""
    uid = request[PRINCIPAL].uid
    storage = await request.app[CREATE_DATA_STORAGE](uid, form.title, form.data)
    return answer(storage.model(), 201)


async def delete(request: web.Request, form: DeleteDataStorageForm) -> web.Response:
    """DELETE /users/{uid}/data_storages: what was deleted, for an administrator."""
    changed = await request.app[DELETE_DATA_STORAGE](form.by, form.uid, form.title)
    return answer(changed.body())
