"""The device authorization endpoint, and user codes for pages of other front ends."""

from aiohttp import web

from oauth_svc.authorizations.models import ACCEPT, LoginRequired, WrongCsrfToken
from oauth_svc.clients.handlers import authenticated
from oauth_svc.devices.models import DeviceRequestNotFound, UnknownUserCode
from oauth_svc.devices.schemas import (
    AnswerDeviceForm,
    DeviceForm,
    EnterCodeForm,
    OAuthDeviceRequestSchema,
    to_public,
)
from oauth_svc.devices.use_cases import Devices
from oauth_svc.protocol_http import NO_STORE, protocol_endpoint
from oauth_svc.single_sign_on.handlers import session_of
from oauth_svc.single_sign_on.use_cases import BrowserSession
from shared.web.answers import answer, nothing
from shared.web.client import client_of
from shared.web.operations import FormReader, NoParameters, operation

DEVICES = web.AppKey("devices", Devices)


@protocol_endpoint
async def authorize(request: web.Request, _form: FormReader[NoParameters]) -> web.Response:
    """POST /oauth/device_authorization (RFC 8628, 3.1)."""
    client, parameters = await authenticated(request)
    begun = await request.app[DEVICES].begin(client, parameters, client_of(request))
    return answer(begun, headers=NO_STORE)


@operation(
    status=201,
    answer=OAuthDeviceRequestSchema,
    refuses=(UnknownUserCode, LoginRequired, WrongCsrfToken),
    statuses=(429,),
    beyond_barong=True,
)
async def enter(request: web.Request, form: EnterCodeForm) -> web.Response:
    """Look up the code that a device shows (RFC 8628).

    Takes the session cookie and its CSRF token in the header X-CSRF-Token. Wrong codes count for
    the user and for their address. The code alone allows nothing: show the user who asks for what
    and from where, and let them answer.
    """
    session, visitor = await _session(request, changes=True), client_of(request)
    devices = request.app[DEVICES]
    id = await devices.enter(form.user_code, session, visitor)  # noqa: A001
    shown = await devices.get(id, session)
    return answer(to_public(id, shown, visitor.ip), status=201, headers=NO_STORE)


@operation(
    answer=OAuthDeviceRequestSchema,
    refuses=(DeviceRequestNotFound, LoginRequired),
    beyond_barong=True,
)
async def show(request: web.Request, form: DeviceForm) -> web.Response:
    """What a device asks of a user, whose session has looked its code up."""
    session = await _session(request)
    shown = await request.app[DEVICES].get(form.id, session)
    return answer(to_public(form.id, shown, client_of(request).ip), headers=NO_STORE)


@operation(
    status=204,
    refuses=(DeviceRequestNotFound, LoginRequired, WrongCsrfToken),
    beyond_barong=True,
)
async def respond(request: web.Request, form: AnswerDeviceForm) -> web.Response:
    """Let a device act for the user, or refuse it.

    Takes the cookie of the session that looked the code up, and its CSRF token in the header
    X-CSRF-Token. The device learns the answer when it asks again.
    """
    session = await _session(request, changes=True)
    devices = request.app[DEVICES]
    if form.action == ACCEPT:
        await devices.allow(form.id, session)
    else:
        await devices.refuse(form.id, session)
    return nothing()


async def _session(request: web.Request, *, changes: bool = False) -> BrowserSession:
    """The session of the browser, with its CSRF token for what changes something.

    Raises `LoginRequired` or `WrongCsrfToken`.
    """
    session = await session_of(request)
    if session is None:
        raise LoginRequired
    if changes and not session.has_token(request.headers.get("X-CSRF-Token", "")):
        raise WrongCsrfToken
    return session
