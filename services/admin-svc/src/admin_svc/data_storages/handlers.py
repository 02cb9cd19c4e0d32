"""The operation on data storages."""

from aiohttp import web

from admin_svc.audit.models import Actor
from admin_svc.data_storages.schemas import DeleteDataStorageForm
from admin_svc.data_storages.use_cases import DataStorages
from admin_svc.directory.models import UserNotFound
from shared.contracts.refusals import DataStorageNotFound
from shared.policy.authority import NOT_ALLOWED
from shared.web.answers import nothing
from shared.web.operations import operation
from shared.web.principal import PRINCIPAL

DATA_STORAGES = web.AppKey("data_storages", DataStorages)


@operation(status=204, refuses=(*NOT_ALLOWED, UserNotFound, DataStorageNotFound))
async def delete(request: web.Request, form: DeleteDataStorageForm) -> web.Response:
    """Delete what a user stored under a title."""
    actor = Actor.of(request[PRINCIPAL])
    await request.app[DATA_STORAGES].delete(actor, form.uid, form.title)
    return nothing()
