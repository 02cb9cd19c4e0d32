"""The operations on data storages."""

from aiohttp import web

from resource_svc.data_storages.create_data_storage import CreateDataStorage
from resource_svc.data_storages.forms import DataStorageForm
from shared.web.answers import answer
from shared.web.principal import PRINCIPAL

CREATE_DATA_STORAGE = web.AppKey("create_data_storage", CreateDataStorage)


async def create(request: web.Request, form: DataStorageForm) -> web.Response:
    """POST /data_storage: a data storage more."""
    uid = request[PRINCIPAL].uid
    storage = await request.app[CREATE_DATA_STORAGE](uid, form.title, form.data)
    return answer(storage.model(), 201)
