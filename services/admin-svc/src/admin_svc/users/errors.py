"""Why a user is not changed."""

from shared.errors import Invalid, NotFound


class UserNotFound(NotFound):
    """Nobody has this uid."""

    codes = ("admin.user.doesnt_exist",)


class StateNoChange(Invalid):
    """The user is in this state already."""

    codes = ("admin.user.state_no_change",)


class RoleNoChange(Invalid):
    """The user has this role already."""

    codes = ("admin.user.role_no_change",)


class OtpNoChange(Invalid):
    """The user's second factor is off already."""

    codes = ("admin.user.otp_no_change",)


class EnableSecondFactor(Invalid):
    """Only the user himself, who has the authenticator, turns his second factor on."""

    codes = ("admin.user.enable_2fa",)


class RoleDoesNotExist(Invalid):
    """No permission names this role."""

    codes = ("role.doesnt_exist",)
