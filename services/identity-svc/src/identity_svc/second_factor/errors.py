"""What can be wrong with a second factor or a code of it."""

from shared.errors import Invalid


class AlreadyEnabled(Invalid):
    """The second factor is on."""

    codes = ("otp.already_enabled",)


class NotEnabled(Invalid):
    """The second factor is off."""

    codes = ("otp.not_enabled",)


class WrongCode(Invalid):
    """The code is not one of this moment."""

    codes = ("otp.invalid",)


class UsedCode(Invalid):
    """The code was right, and this one or a later one was accepted before."""

    codes = ("totp.error",)
