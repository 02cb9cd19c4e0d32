"""What can be wrong with a password that is given or wanted."""

from shared.errors import Invalid


class PasswordsDiffer(Invalid):
    """The new password was not repeated as it is."""

    codes = ("password.doesnt_match",)


class WrongPassword(Invalid):
    """It is not the user's password."""

    codes = ("password.wrong",)


class SamePassword(Invalid):
    """The new password is the old one."""

    codes = ("password.no_change",)
