"""Why a verification is refused. It is never a 401: the session itself is valid."""

from shared.errors import Invalid


class NothingShown(Invalid):
    """Neither a password nor a code was given."""

    codes = ("resource.session.missing_credentials",)


class InvalidPassword(Invalid):
    """It is not the user's password."""

    codes = ("resource.session.invalid_password",)


class MissingOtp(Invalid):
    """The user has a second factor: a password alone is not enough."""

    codes = ("resource.session.missing_otp",)


class InvalidOtp(Invalid):
    """The code is not one of this moment, no recovery code, or there is no second factor."""

    codes = ("resource.session.invalid_otp",)
