"""Log-in and log-out."""

from aiohttp import web

from console_svc.pages.api import DEVICE_COOKIE, ApiRefusal
from console_svc.pages.captcha import captcha_of, with_captcha
from console_svc.pages.logging_in import challenge_path, enter, purpose_of
from console_svc.pages.passkeys import credential
from console_svc.pages.returning import FIRST_PAGE, challenge_in, way_back
from console_svc.pages.visit import Visit

_PAGE = "/account/log-in"


async def show(visit: Visit) -> web.StreamResponse:
    """The form of a log-in; who is logged in goes on, unless they have to log in once more."""
    purpose = await purpose_of(visit)
    if visit.member is not None and not visit.faults and not purpose.needs_log_in:
        return visit.go(way_back(visit))
    configs = (await visit.get("identity/configs")).body
    return visit.page(
        "log_ins/log_in.html",
        captcha=captcha_of(configs, visit),
        trusted_days=configs.get("trusted_device_days", 0),
        by_mail=configs.get("mail_log_in", False),
        purpose=purpose,
        providers=configs.get("log_in_providers", []),
        next=way_back(visit),
    )


async def log_in(visit: Visit) -> web.StreamResponse:
    """Opens a session."""
    form = {"email": visit.text("email"), "password": visit.text("password")}
    if code := visit.code("otp_code"):
        form["otp_code"] = code
    if visit.text("trust_device"):
        form["trust_device"] = "true"
    await visit.call("POST", "identity/sessions", with_captcha(visit, form))
    visit.repeat_cookie(DEVICE_COOKIE, _PAGE)
    return await enter(visit)


async def log_in_by_passkey(visit: Visit) -> web.StreamResponse:
    """Opens a session by a passkey, which is enough by itself."""
    shown = await credential(visit, "identity/sessions/passkey/options")
    await visit.call("POST", "identity/sessions/passkey", {"credential": shown})
    return await enter(visit)


async def refuse(visit: Visit) -> web.StreamResponse:
    """Tells the application that the visitor does not log in for it, and goes back to it."""
    challenge = challenge_in(way_back(visit))
    if not challenge:
        return visit.go(FIRST_PAGE)
    refusal = {"kind": "login", "action": "refuse"}
    answer = await visit.call("POST", challenge_path(challenge), refusal)
    return visit.go(answer.body["redirect_to"])


async def show_log_out(visit: Visit) -> web.StreamResponse:
    """Log-out is a form: a link on another site cannot do it."""
    return visit.page("log_ins/log_out.html")


async def log_out(visit: Visit) -> web.StreamResponse:
    """Ends the session; one that has ended already is no error."""
    try:
        await visit.call("DELETE", "identity/sessions", {})
    except ApiRefusal as refusal:
        if not refusal.means_logged_out and refusal.status != 404:
            raise
    return visit.go(_PAGE, "logged_out")
