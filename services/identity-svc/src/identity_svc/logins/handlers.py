"""Log-in."""

from aiohttp import web

from identity_svc.captcha.handlers import CAPTCHAS
from identity_svc.captcha.models import SESSION_CREATE, CaptchaRequired, VerificationFailed
from identity_svc.logins.models import (
    Banned,
    Deleted,
    InvalidOtp,
    MissingOtp,
    NotActive,
    WrongCredentials,
)
from identity_svc.logins.schemas import LogInByPageForm, LogInForm
from identity_svc.logins.use_cases import Logins
from identity_svc.passkeys.models import ANSWER_FAULTS
from identity_svc.passkeys.schemas import OptionsSchema, UseForm
from identity_svc.trusted_devices.models import COOKIE as DEVICE_COOKIE
from identity_svc.trusted_devices.models import COOKIE_PATHS, NewDevice
from shared.contracts.refusals import UsedCode
from shared.contracts.schemas import UserWithFullInfoSchema
from shared.errors import Forbidden, Unauthenticated
from shared.web.answers import answer
from shared.web.client import client_of
from shared.web.cookies import cookies
from shared.web.operations import NoParameters, operation

LOGINS = web.AppKey("logins", Logins)


@operation(
    status=201,
    answer=UserWithFullInfoSchema,
    refuses=(
        Banned,
        CaptchaRequired,
        Deleted,
        InvalidOtp,
        MissingOtp,
        NotActive,
        UsedCode,
        VerificationFailed,
        WrongCredentials,
    ),
    statuses=(404, 429),
    missing_is_400=True,
)
async def log_in(request: web.Request, form: LogInForm) -> web.Response:
    """Log in.

    Where the installation allows it, `trust_device` with a code makes this browser trusted: by a
    cookie, it is asked for no code for some days. In place of a code of the second factor, a
    recovery code does as well, each once.

    Sets the session cookie; the header `Authorization` carries a bearer token, for clients that
    keep no cookies.
    """
    await request.app[CAPTCHAS].verify(SESSION_CREATE, form.captcha_response)
    logins = request.app[LOGINS]
    done = await logins.log_in(
        form.email or "",
        form.password or "",
        form.otp_code or "",
        client_of(request),
        cookies(request.headers, DEVICE_COOKIE),
        trust_device=bool(form.trust_device),
    )
    response = logins.sessions.cookie.hand_over(done.opened, done.attachments)
    if done.device is not None:
        for path in COOKIE_PATHS:
            _set_device_cookie(response, done.device, path, secure=logins.sessions.cookie.secure)
    return response


def _set_device_cookie(
    response: web.Response, device: NewDevice, path: str, *, secure: bool
) -> None:
    """aiohttp would keep the last of several cookies with one name, whatever their paths."""
    attributes = f"HttpOnly; Max-Age={device.seconds}; Path={path}; SameSite=Lax"
    value = f"{DEVICE_COOKIE}={device.cookie}; {attributes}{'; Secure' if secure else ''}"
    response.headers.add("Set-Cookie", value)


@operation(status=201, answer=OptionsSchema, statuses=(429,), beyond_barong=True)
async def passkey_options(request: web.Request, _form: NoParameters) -> web.Response:
    """Begin a log-in with a passkey.

    The answer is for `navigator.credentials.get()`, which finds the passkeys of this site by
    itself; nobody has to type an address before.
    """
    asked = await request.app[LOGINS].passkeys.ask_for_log_in(client_of(request))
    return answer({"publicKey": asked}, headers={"Cache-Control": "no-store"})


@operation(
    status=201,
    answer=UserWithFullInfoSchema,
    refuses=(*ANSWER_FAULTS, Banned, Deleted, NotActive),
    beyond_barong=True,
)
async def log_in_with_passkey(request: web.Request, form: UseForm) -> web.Response:
    """Log in with a passkey.

    `credential` is what `navigator.credentials.get()` gave, as `toJSON()` writes it. Answers as a
    log-in with a password does; no code of the second factor is asked for.
    """
    logins = request.app[LOGINS]
    opened, attachments = await logins.log_in_with_passkey(form.credential, client_of(request))
    return logins.sessions.cookie.hand_over(opened, attachments)


async def log_in_by_page(request: web.Request, form: LogInByPageForm) -> web.Response:
    """POST /sessions: a log-in on a page of oauth-svc, for the page's client.

    The answer has the cookie's value, or the codes for which the log-in is refused. Where captchas
    are required, the page cannot be used.
    """
    try:
        await request.app[CAPTCHAS].verify(SESSION_CREATE, None)
        done = await request.app[LOGINS].log_in(
            form.email, form.password, form.otp_code, form.client
        )
    except (CaptchaRequired, Unauthenticated, Forbidden) as refusal:
        return answer({"refused": list(refusal.codes)})
    return answer({"cookie": done.opened.cookie})
