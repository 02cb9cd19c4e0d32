"""Why an administrator does not change a user."""

from shared.errors import Invalid


class UpdateHimself(Invalid):
    """Nobody changes himself."""

    codes = ("admin.user.update_himself",)


class SuperadminChange(Invalid):
    """Only a superadmin changes a superadmin, or makes one."""

    codes = ("admin.user.superadmin_change",)


class HigherRole(Invalid):
    """The user's role, or the one they are to have, ranks as high as the administrator's."""

    codes = ("admin.user.higher_role",)


class NoAuthority(Invalid):
    """The administrator is not any more what he was when the gateway let him through."""

    codes = ("authz.invalid_permission",)


class UnknownState(Invalid):
    """There is no such state."""

    codes = ("state.inclusion",)
