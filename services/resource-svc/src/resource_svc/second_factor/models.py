"""Why the second factor is not changed or verified."""

from shared.errors import BadRequest, Invalid


class AlreadyEnabled(BadRequest):
    """The second factor is on."""

    codes = ("resource.otp.already_enabled",)


class NotEnabled(BadRequest):
    """The second factor is off."""

    codes = ("resource.otp.not_enabled",)


class NothingToVerify(BadRequest):
    """The second factor is off; Barong's code says the opposite, and front ends know it."""

    codes = ("resource.otp.already_enabled",)


class WrongCode(Invalid):
    """The code is not one of this moment."""

    codes = ("resource.otp.invalid",)
