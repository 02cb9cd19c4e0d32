"""Why a captcha does not let somebody pass."""

from shared.errors import BadRequest, Invalid, NotFound


class CaptchaRequired(BadRequest):
    """The operation wants a captcha solved, and there is no answer to one."""

    codes = ("identity.captcha.required",)


class MandatoryFieldsMissing(BadRequest):
    """The answer has not all the parts that this kind of captcha has."""

    codes = ("identity.captcha.mandatory_fields",)


class VerificationFailed(Invalid):
    """The captcha is not solved, or was used before."""

    codes = ("identity.captcha.verification_failed",)


class NoGeetest(NotFound):
    """This installation has no GeeTest captchas."""

    codes = ("identity.captcha.geetest_not_configured",)
