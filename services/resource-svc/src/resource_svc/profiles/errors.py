"""Why a profile is not shown or written."""

from shared.errors import Conflict, NotFound


class NoProfile(NotFound):
    """The user has no profile."""

    codes = ("resource.profile.not_exist",)


class ProfileExists(Conflict):
    """The user has a profile that is drafted or submitted; one more has to wait for its verdict."""

    codes = ("state.exists",)


class ProfileNotEditable(NotFound):
    """The user has no profile that is a draft."""

    codes = ("resource.profile.doesnt_exist_or_not_editable",)
