"""Why a password is not changed."""

from shared.errors import BadRequest, Invalid


class PasswordsDiffer(Invalid):
    """The new password was not repeated as it is."""

    codes = ("resource.password.doesnt_match",)


class WrongPassword(BadRequest):
    """The old password is not the user's."""

    codes = ("resource.password.prev_pass_not_correct",)


class SamePassword(BadRequest):
    """The new password is the old one."""

    codes = ("resource.password.no_change_provided",)
