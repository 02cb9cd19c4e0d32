"""The operations on data storages."""

from aiohttp import web

from resource_svc.data_storages.models import INVALID_STORAGE
from resource_svc.data_storages.schemas import DataStorageForm, DeleteDataStorageForm
from resource_svc.data_storages.use_cases import DataStorages
from shared.contracts.schemas import DataStorageSchema
from shared.web.answers import answer
from shared.web.operations import operation
from shared.web.principal import PRINCIPAL

DATA_STORAGES = web.AppKey("data_storages", DataStorages)


@operation(
    status=201,
    answer=DataStorageSchema,
    refuses=(INVALID_STORAGE,),
    statuses=(400,),
)
async def create(request: web.Request, form: DataStorageForm) -> web.Response:
    """Store a JSON text under a title."""
    uid = request[PRINCIPAL].uid
    storage = await request.app[DATA_STORAGES].create(uid, form.title, form.data)
    return answer(storage.to_public())


async def delete_as_admin(request: web.Request, form: DeleteDataStorageForm) -> web.Response:
    """DELETE /subjects/{uid}/data_storages: deletes a data storage, by an administrator."""
    data_storages = request.app[DATA_STORAGES]
    changed = await data_storages.delete_as_admin(form.by, form.uid, form.title)
    return answer(changed.to_internal())
