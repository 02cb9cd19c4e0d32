"""Sign-up, and the confirmation of the address."""

import orjson
from aiohttp import web

from console_svc.pages.captcha import captcha_id, with_captcha
from console_svc.pages.visit import Visit

_TOKEN = "confirmation_token"  # noqa: S105 - the name of a parameter


async def show(visit: Visit) -> web.StreamResponse:
    """The form of a sign-up."""
    referral = str(visit.form.get("refid", visit.request.query.get("refid", "")))
    return visit.page("sign_ups/sign_up.html", captcha=await captcha_id(visit), referral=referral)


async def sign_up(visit: Visit) -> web.StreamResponse:
    """Opens an account and a session; mails are in the language of the page."""
    form = {
        "email": visit.text("email"),
        "password": visit.text("password"),
        "data": orjson.dumps({"language": visit.language.code}).decode(),
    }
    if referral := visit.text("refid"):
        form["refid"] = referral
    await visit.call("POST", "identity/users", with_captcha(visit, form))
    return visit.go("/account", "signed_up")


async def show_confirm(visit: Visit) -> web.StreamResponse:
    """A button: programs that look through mails open links, and a token works once."""
    token = str(visit.form.get("token", visit.request.query.get(_TOKEN, "")))
    return visit.page("sign_ups/confirm.html", token=token)


async def confirm(visit: Visit) -> web.StreamResponse:
    """Confirms the address; without a second factor that logs in."""
    answer = await visit.call(
        "POST", "identity/users/email/confirm_code", {"token": visit.text("token")}
    )
    opened = "csrf_token" in answer.body
    return visit.go("/account" if opened else "/account/log-in", "confirmed")


async def show_resend(visit: Visit) -> web.StreamResponse:
    """The form that asks for another mail."""
    return visit.page("sign_ups/resend.html", captcha=await captcha_id(visit))


async def resend(visit: Visit) -> web.StreamResponse:
    """Asks for another mail; the answer is the same whoever asks."""
    form = with_captcha(visit, {"email": visit.text("email")})
    await visit.call("POST", "identity/users/email/generate_code", form)
    return visit.go("/account/log-in", "confirmation_sent")
