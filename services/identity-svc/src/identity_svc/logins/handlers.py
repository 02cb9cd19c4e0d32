"""Log-in."""

from aiohttp import web

from identity_svc.captcha.handlers import CAPTCHAS
from identity_svc.captcha.models import (
    SESSION_CREATE,
    USER_CREATE,
    CaptchaRequired,
    VerificationFailed,
)
from identity_svc.linked_accounts.models import LinkedAccountTaken, TooManyLinkedAccounts
from identity_svc.logins.models import (
    COOKIE_PATHS,
    AccountNotConfirmed,
    Banned,
    Deleted,
    EmailNotVerified,
    InvalidOtp,
    MissingOtp,
    NoAccount,
    NotActive,
    NotLinked,
    SecondStep,
    WrongCredentials,
)
from identity_svc.logins.schemas import LogInByPageForm, LogInForm
from identity_svc.logins.use_cases import LogIn, Logins
from identity_svc.mail_log_ins.models import COOKIE as BROWSER_COOKIE
from identity_svc.mail_log_ins.models import InvalidMailLogIn, MailLogInOff, MissingCode
from identity_svc.mail_log_ins.schemas import LogInByMailForm, RequestMailForm
from identity_svc.openid_providers.models import (
    DeniedAtProvider,
    InvalidIdToken,
    ProviderUnavailable,
    RefusedByProvider,
    UnknownProvider,
    WrongIssuer,
)
from identity_svc.passkeys.models import ANSWER_FAULTS
from identity_svc.passkeys.schemas import OptionsSchema, UseForm
from identity_svc.provider_log_ins.models import COOKIE as PROVIDER_COOKIE
from identity_svc.provider_log_ins.models import InvalidProviderLogIn
from identity_svc.provider_log_ins.schemas import (
    LogInByProviderForm,
    ProviderQuestionSchema,
    RequestProviderForm,
)
from identity_svc.trusted_devices.models import COOKIE as DEVICE_COOKIE
from identity_svc.users.models import EmailTaken
from shared.contracts.refusals import UsedCode
from shared.contracts.schemas import UserWithFullInfoSchema
from shared.errors import Forbidden, Unauthenticated
from shared.web.answers import answer, nothing
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
        client_of(request),
        _second_step(request, form),
    )
    return _opened(logins, done)


@operation(
    status=201,
    refuses=(CaptchaRequired, MailLogInOff, VerificationFailed),
    statuses=(429,),
    missing_is_400=True,
    beyond_barong=True,
)
async def request_log_in_mail(request: web.Request, form: RequestMailForm) -> web.Response:
    """Mail a link and a code that log in.

    Answers alike whether or not the address is known. Sets a cookie, by which this browser is known
    when the link comes back. Where log-ins require a captcha, this does.
    """
    await request.app[CAPTCHAS].verify(SESSION_CREATE, form.captcha_response)
    logins = request.app[LOGINS]
    browser = await logins.mail_log_ins.request(
        form.email, cookies(request.headers, BROWSER_COOKIE), client_of(request)
    )
    response = nothing()
    _set_cookie(logins, response, BROWSER_COOKIE, browser.cookie, browser.seconds)
    return response


@operation(
    status=201,
    answer=UserWithFullInfoSchema,
    refuses=(
        Banned,
        Deleted,
        InvalidMailLogIn,
        InvalidOtp,
        MailLogInOff,
        MissingCode,
        MissingOtp,
        NotActive,
        UsedCode,
    ),
    statuses=(429,),
    beyond_barong=True,
)
async def log_in_by_mail(request: web.Request, form: LogInByMailForm) -> web.Response:
    """Log in with a mailed link or code.

    `token` is that of the link. In the browser that asked for the mail, `token` or `code` is
    enough; in another one both are needed. The second factor is asked for as at a log-in with a
    password, and the answer is that of such a log-in. A mail works once.
    """
    logins = request.app[LOGINS]
    done = await logins.log_in_by_mail(
        form.token or "",
        form.code or "",
        cookies(request.headers, BROWSER_COOKIE),
        client_of(request),
        _second_step(request, form),
    )
    return _opened(logins, done)


@operation(
    status=201,
    answer=ProviderQuestionSchema,
    refuses=(CaptchaRequired, ProviderUnavailable, UnknownProvider, VerificationFailed),
    statuses=(429,),
    beyond_barong=True,
)
async def request_provider_log_in(request: web.Request, form: RequestProviderForm) -> web.Response:
    """Begin a log-in by another OpenID provider.

    `provider` is a name of `log_in_providers` of GET /identity/configs. Send the browser to `url`.
    It comes back to the provider's redirect URI, with a `state` that begins with `login.`. Sets a
    cookie, by which this browser is known then. Where log-ins or sign-ups require a captcha, this
    does.
    """
    await request.app[CAPTCHAS].verify_any((SESSION_CREATE, USER_CREATE), form.captcha_response)
    logins = request.app[LOGINS]
    url, browser = await logins.provider_log_ins.ask(
        form.provider or "", cookies(request.headers, PROVIDER_COOKIE), client_of(request)
    )
    response = answer({"url": url}, headers={"Cache-Control": "no-store"})
    _set_cookie(logins, response, PROVIDER_COOKIE, browser.cookie, browser.seconds)
    return response


@operation(
    status=201,
    answer=UserWithFullInfoSchema,
    refuses=(
        AccountNotConfirmed,
        Banned,
        Deleted,
        DeniedAtProvider,
        EmailNotVerified,
        EmailTaken,
        InvalidIdToken,
        InvalidOtp,
        InvalidProviderLogIn,
        LinkedAccountTaken,
        MissingOtp,
        NoAccount,
        NotActive,
        NotLinked,
        ProviderUnavailable,
        RefusedByProvider,
        TooManyLinkedAccounts,
        UnknownProvider,
        UsedCode,
        WrongIssuer,
    ),
    statuses=(429,),
    beyond_barong=True,
)
async def log_in_by_provider(request: web.Request, form: LogInByProviderForm) -> web.Response:
    """Log in by another OpenID provider.

    `state`, `code`, `iss` and `error` are what the provider gave the browser, and `provider` is the
    one whose redirect URI it came to. The second factor is asked for as at a log-in with a
    password: call again with the same `state` and `otp_code`. An answer of a provider works once.

    Who has no account gets one, with a confirmed address, if the provider verified the address and
    may make accounts. An account with the same address is linked if its address is confirmed.
    """
    logins = request.app[LOGINS]
    done = await logins.log_in_by_provider(
        form.provider or "",
        form.answer,
        cookies(request.headers, PROVIDER_COOKIE),
        client_of(request),
        _second_step(request, form),
    )
    return _opened(logins, done)


def _second_step(
    request: web.Request, form: LogInForm | LogInByMailForm | LogInByProviderForm
) -> SecondStep:
    return SecondStep(
        form.otp_code or "",
        cookies(request.headers, DEVICE_COOKIE),
        trust_device=bool(form.trust_device),
    )


def _opened(logins: Logins, done: LogIn) -> web.Response:
    response = logins.sessions.cookie.hand_over(done.opened, done.attachments)
    if done.device is not None:
        _set_cookie(logins, response, DEVICE_COOKIE, done.device.cookie, done.device.seconds)
    return response


def _set_cookie(
    logins: Logins, response: web.Response, name: str, value: str, seconds: int
) -> None:
    """Sets a cookie for log-ins alone.

    aiohttp would keep the last of several cookies with one name, whatever their paths.
    """
    secure = "; Secure" if logins.sessions.cookie.secure else ""
    for path in COOKIE_PATHS:
        attributes = f"HttpOnly; Max-Age={seconds}; Path={path}; SameSite=Lax{secure}"
        response.headers.add("Set-Cookie", f"{name}={value}; {attributes}")


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

    The answer has the cookie's value, or the codes for which the log-in is refused. If captchas are
    required, the page cannot be used.
    """
    try:
        await request.app[CAPTCHAS].verify(SESSION_CREATE, None)
        done = await request.app[LOGINS].log_in(
            form.email, form.password, form.client, SecondStep(form.otp_code)
        )
    except (CaptchaRequired, Unauthenticated, Forbidden) as refusal:
        return answer({"refused": list(refusal.codes)})
    return answer({"cookie": done.opened.cookie})
