"""The device authorization endpoint."""

from aiohttp import web

from oauth_svc.clients.handlers import authenticated
from oauth_svc.devices.use_cases import Devices
from oauth_svc.protocol_http import NO_STORE, protocol_endpoint
from shared.web.answers import answer
from shared.web.client import client_of
from shared.web.operations import FormReader, NoParameters

DEVICES = web.AppKey("devices", Devices)


@protocol_endpoint
async def authorize(request: web.Request, _form: FormReader[NoParameters]) -> web.Response:
    """POST /oauth/device_authorization (RFC 8628, 3.1)."""
    client, parameters = await authenticated(request)
    begun = await request.app[DEVICES].begin(client, parameters, client_of(request))
    return answer(begun, headers=NO_STORE)
