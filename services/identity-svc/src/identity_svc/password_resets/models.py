"""Why a password is not reset."""

from shared.errors import Invalid


class PasswordsDontMatch(Invalid):
    """The password and its confirmation differ."""

    codes = ("identity.user.passwords_doesnt_match",)
