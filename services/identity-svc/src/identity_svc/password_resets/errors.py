"""Why a password is not reset."""

from shared.errors import Invalid


class PasswordsDontMatch(Invalid):
    """The password and its confirmation differ."""

    codes = ("identity.user.passwords_doesnt_match",)


class UtilizedToken(Invalid):
    """The token was used, another came after it, or the account it is for may not log in."""

    codes = ("identity.user.utilized_token",)
