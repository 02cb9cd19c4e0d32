"""Why an account is not deleted."""

from shared.errors import Invalid


class WrongPassword(Invalid):
    """It is not the user's password."""

    codes = ("resource.user.invalid_password",)


class LastSuperadmin(Invalid):
    """No other superadmin is active."""

    codes = ("resource.user.last_superadmin",)


class MissingCode(Invalid):
    """The user has a second factor, and gave no code."""

    codes = ("resource.user.missing_otp_code",)


class WrongCode(Invalid):
    """The code is not one of this moment."""

    codes = ("resource.user.invalid_otp",)
