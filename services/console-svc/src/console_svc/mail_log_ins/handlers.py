"""A log-in by mail: asks for the mail, and takes its link or its code."""

from aiohttp import web

from console_svc.pages.api import BROWSER_COOKIE, DEVICE_COOKIE, ApiRefusal
from console_svc.pages.captcha import captcha_of, with_captcha
from console_svc.pages.logging_in import enter, purpose_of
from console_svc.pages.returning import forget_way, keep_way, way_back
from console_svc.pages.visit import Visit
from shared.web.cookies import cookies

_LOG_IN = "/account/log-in"
_CODE = "/account/log-in/code"
_TOKEN = "log_in_token"  # noqa: S105 - the name of a parameter


async def show_request(visit: Visit) -> web.StreamResponse:
    """The form that asks for a mail; there is no such page where no mail logs in."""
    configs = (await visit.get("identity/configs")).body
    if not configs.get("mail_log_in"):
        raise ApiRefusal(404, ["console.no_page"])
    return visit.page(
        "mail_log_ins/request.html",
        captcha=captcha_of(configs, visit),
        purpose=await purpose_of(visit),
        next=way_back(visit),
    )


async def request_mail(visit: Visit) -> web.StreamResponse:
    """Asks for the mail; the answer is the same whether or not there is an account."""
    form = with_captcha(visit, {"email": visit.text("email")})
    await visit.call("POST", "identity/sessions/mail/request", form)
    visit.repeat_cookie(BROWSER_COOKIE, _LOG_IN)
    keep_way(visit, _CODE)
    return visit.go(_CODE, "log_in_mail_sent", next=way_back(visit))


async def show_code(visit: Visit) -> web.StreamResponse:
    """The form of the code, or a button behind the link: opening the link uses nothing up.

    In another browser than the one that asked, the link needs the code, too. In the same one, it
    leads to where the visitor was going.
    """
    configs = (await visit.get("identity/configs")).body
    if not configs.get("mail_log_in"):
        raise ApiRefusal(404, ["console.no_page"])
    token = str(visit.form.get("token", visit.request.query.get(_TOKEN, "")))
    asked_here = bool(cookies(visit.request.headers, BROWSER_COOKIE))
    return visit.page(
        "mail_log_ins/code.html",
        token=token,
        asks_code=not token or not asked_here or bool(visit.faults),
        trusted_days=configs.get("trusted_device_days", 0),
        purpose=await purpose_of(visit),
        next=way_back(visit),
    )


async def log_in(visit: Visit) -> web.StreamResponse:
    """Opens a session."""
    given = {
        "token": visit.text("token"),
        "code": visit.text("code"),
        "otp_code": visit.code("otp_code"),
        "trust_device": "true" if visit.text("trust_device") else "",
    }
    form = {name: value for name, value in given.items() if value}
    await visit.call("POST", "identity/sessions/mail", form)
    visit.repeat_cookie(DEVICE_COOKIE, _LOG_IN)
    forget_way(visit, _CODE)
    return await enter(visit)
