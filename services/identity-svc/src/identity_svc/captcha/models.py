"""Which operations may require a captcha, what a response is, and why one is refused."""

from collections.abc import Mapping
from typing import Any

from shared.errors import BadRequest, Invalid, NotFound

USER_CREATE = "user_create"
SESSION_CREATE = "session_create"
PASSWORD_RESET = "password_reset"  # noqa: S105 - the name of an operation
EMAIL_CONFIRMATION = "email_confirmation"
ENDPOINTS = frozenset({USER_CREATE, SESSION_CREATE, PASSWORD_RESET, EMAIL_CONFIRMATION})

CaptchaResponse = str | Mapping[str, Any]
"""A token, or an object of several; the object may come as JSON text as well."""


class CaptchaRequired(BadRequest):
    """The operation requires a solved captcha, and the call has no response to one."""

    codes = ("identity.captcha.required",)


class MandatoryFieldsMissing(BadRequest):
    """The response lacks a field that this kind of captcha has."""

    codes = ("identity.captcha.mandatory_fields",)


class VerificationFailed(Invalid):
    """The captcha is not solved, or the response was used before."""

    codes = ("identity.captcha.verification_failed",)


class NoGeetest(NotFound):
    """This installation does not use GeeTest."""

    codes = ("identity.captcha.geetest_not_configured",)
