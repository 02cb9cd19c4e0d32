"""The operations on one's own trusted devices."""

from aiohttp import web

from identity_svc.trusted_devices.models import DeviceNotFound
from identity_svc.trusted_devices.schemas import (
    ListOfForm,
    RevokeForm,
    TrustedDeviceSchema,
    to_public,
)
from identity_svc.trusted_devices.use_cases import TrustedDevices
from shared.web.answers import answer, nothing
from shared.web.operations import NoParameters, operation
from shared.web.principal import PRINCIPAL

TRUSTED_DEVICES = web.AppKey("trusted_devices", TrustedDevices)


@operation(answer=TrustedDeviceSchema(many=True), beyond_barong=True)
async def index(request: web.Request, _form: NoParameters) -> web.Response:
    """One's trusted devices, the newest first."""
    devices = await request.app[TRUSTED_DEVICES].list(request[PRINCIPAL].uid)
    return answer([to_public(each) for each in devices])


@operation(status=204, refuses=(DeviceNotFound,), beyond_barong=True)
async def revoke(request: web.Request, form: RevokeForm) -> web.Response:
    """End the trust in one of one's devices.

    Its next log-in needs a code.
    """
    await request.app[TRUSTED_DEVICES].revoke(request[PRINCIPAL].uid, form.device)
    return nothing()


async def index_of(request: web.Request, form: ListOfForm) -> web.Response:
    """GET /users/{uid}/trusted_devices: all of them, as their user sees them."""
    devices = await request.app[TRUSTED_DEVICES].list(form.uid)
    return answer({"trusted_devices": [to_public(each) for each in devices]})
