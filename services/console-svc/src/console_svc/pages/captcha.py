"""The captcha of forms that need one."""

from collections.abc import Mapping
from typing import Any

from console_svc.pages.visit import RECAPTCHA_POLICY, Visit

RECAPTCHA = "recaptcha"
_RESPONSE = "g-recaptcha-response"


async def captcha_id(visit: Visit) -> str:
    """The id of reCAPTCHA's widget, blank where it is not configured.

    The page may then load what the widget consists of.
    """
    return captcha_of((await visit.get("identity/configs")).body, visit)


def captcha_of(configs: Mapping[str, Any], visit: Visit) -> str:
    """The same, for a page that has read what front ends have to know."""
    if configs["captcha_type"] != RECAPTCHA:
        return ""
    visit.policy = RECAPTCHA_POLICY
    return str(configs.get("captcha_id") or "")


def with_captcha(visit: Visit, form: dict[str, str]) -> dict[str, str]:
    """The form, with what the widget gave the browser."""
    response = visit.form.get(_RESPONSE)
    return {**form, "captcha_response": str(response)} if response else form
