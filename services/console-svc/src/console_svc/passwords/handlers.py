"""Forgotten and changed passwords."""

from aiohttp import web

from console_svc.pages.captcha import captcha_id, with_captcha
from console_svc.pages.visit import Visit

_TOKEN = "reset_token"  # noqa: S105 - the name of a parameter


async def show_forgotten(visit: Visit) -> web.StreamResponse:
    """The form that asks for a mail."""
    return visit.page("passwords/forgotten.html", captcha=await captcha_id(visit))


async def request_mail(visit: Visit) -> web.StreamResponse:
    """Asks for the mail; the answer is the same whether or not there is an account."""
    form = with_captcha(visit, {"email": visit.text("email")})
    await visit.call("POST", "identity/users/password/generate_code", form)
    return visit.go("/account/log-in", "reset_sent")


async def show_reset(visit: Visit) -> web.StreamResponse:
    """The form of a new password, behind the link of the mail."""
    token = str(visit.form.get("token", visit.request.query.get(_TOKEN, "")))
    return visit.page("passwords/reset.html", token=token)


async def reset(visit: Visit) -> web.StreamResponse:
    """Replaces the forgotten password."""
    await visit.call(
        "POST",
        "identity/users/password/confirm_code",
        {
            "reset_password_token": visit.text("token"),
            "password": visit.text("password"),
            "confirm_password": visit.text("confirm_password"),
        },
    )
    return visit.go("/account/log-in", "password_reset")


async def show(visit: Visit) -> web.StreamResponse:
    """The form of a changed password."""
    return visit.page("passwords/change.html")


async def change(visit: Visit) -> web.StreamResponse:
    """Changes the password."""
    await visit.send(
        "PUT", "resource/users/password", "old_password", "new_password", "confirm_password"
    )
    return visit.go("/account/password", "password_changed")
