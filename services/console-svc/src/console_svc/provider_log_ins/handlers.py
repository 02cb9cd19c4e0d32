"""Sends the browser to another OpenID provider, and takes the answer with which it comes back."""

from aiohttp import web

from console_svc.pages.api import DEVICE_COOKIE, PROVIDER_COOKIE, ApiRefusal
from console_svc.pages.captcha import with_captcha
from console_svc.pages.leaving import leave
from console_svc.pages.logging_in import enter, purpose_of
from console_svc.pages.returning import FIRST_PAGE, forget_way, keep_way, way_back
from console_svc.pages.visit import Visit

_LOG_IN = "/account/log-in"
_PROVIDERS = "/account/log-in/provider"
_LINKED = "/account/linked-accounts"
_LINK = "link."
"""The beginning of the `state` of a link; that of a log-in begins otherwise."""

_OTP = frozenset({"identity.session.missing_otp", "identity.session.invalid_otp", "totp.error"})


async def start(visit: Visit) -> web.StreamResponse:
    """Goes to the provider whose button was pressed."""
    form = with_captcha(visit, {"provider": visit.text("provider")})
    asked = await visit.call("POST", "identity/sessions/provider/request", form)
    visit.repeat_cookie(PROVIDER_COOKIE, _LOG_IN)
    keep_way(visit, _PROVIDERS)
    return leave(visit, asked.body["url"])


async def come_back(visit: Visit) -> web.StreamResponse:
    """Takes the provider's answer: a log-in, or a link that a member began.

    What the answer does is done once, and only in the browser that was sent to the provider: it
    needs no form. If the account has a second factor, a form asks for it.
    """
    if visit.faults:
        return await _code_page(visit)
    given = {name: visit.request.query.get(name, "") for name in ("state", "code", "iss", "error")}
    answer = {name: value for name, value in given.items() if value}
    answer["provider"] = visit.path["name"]
    if given["state"].startswith(_LINK):
        await visit.call("POST", "resource/linked_accounts", answer)
        return visit.go(_LINKED, "account_linked")
    try:
        await visit.call("POST", "identity/sessions/provider", answer)
    except ApiRefusal as refusal:
        if refusal.status == 429:
            raise
        if not _OTP.isdisjoint(refusal.codes):
            return await _code_page(visit)
        if visit.member is not None and "log_in_provider.invalid" in refusal.codes:
            return visit.go(FIRST_PAGE)  # the page of a log-in was opened again
        visit.refuse(refusal)
        return visit.page("provider_log_ins/refused.html")
    forget_way(visit, _PROVIDERS)
    return await enter(visit)


async def log_in(visit: Visit) -> web.StreamResponse:
    """Opens a session with the code of the second factor."""
    given = {
        "provider": visit.path["name"],
        "state": visit.text("state"),
        "otp_code": visit.code("otp_code"),
        "trust_device": "true" if visit.text("trust_device") else "",
    }
    form = {name: value for name, value in given.items() if value}
    await visit.call("POST", "identity/sessions/provider", form)
    visit.repeat_cookie(DEVICE_COOKIE, _LOG_IN)
    forget_way(visit, _PROVIDERS)
    return await enter(visit)


async def _trusted_days(visit: Visit) -> int:
    configs = (await visit.get("identity/configs")).body
    return int(configs.get("trusted_device_days", 0))


async def _code_page(visit: Visit) -> web.StreamResponse:
    return visit.page(
        "provider_log_ins/code.html",
        state=visit.text("state") or visit.request.query.get("state", ""),
        next=way_back(visit),
        purpose=await purpose_of(visit),
        trusted_days=await _trusted_days(visit),
    )
