"""Why the directory does not answer."""

from shared.errors import Invalid, NotFound


class NoSuchUser(NotFound):
    """Nobody has this uid."""

    codes = ("admin.user.doesnt_exist",)


class InvalidCursor(Invalid):
    """It is no cursor, or one of a list in another order; a code of ours."""

    codes = ("admin.user.invalid_cursor",)
