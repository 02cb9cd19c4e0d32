"""The reasons why a change of a user is refused."""

from shared.errors import Invalid


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
    """Only users themselves, who have the authenticator, turn their second factor on."""

    codes = ("admin.user.enable_2fa",)


class EmailNoChange(Invalid):
    """The user has this address already."""

    codes = ("admin.user.email_no_change",)


class RoleDoesNotExist(Invalid):
    """No permission names this role."""

    codes = ("role.doesnt_exist",)
