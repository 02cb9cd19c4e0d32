"""The reasons why a change of a profile is refused."""

from shared.errors import Invalid, NotFound


class ProfileNotEditable(NotFound):
    """There is no such user, or they have no profile that waits for a verdict."""

    codes = ("admin.profiles.doesnt_exist_or_not_editable",)


class SuperadminChange(Invalid):
    """Only a superadmin changes a superadmin's profile."""

    codes = ("admin.profiles.superadmin_change",)
