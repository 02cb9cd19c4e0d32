"""Why a log-in is refused."""

from shared.errors import Forbidden, Unauthenticated


class WrongCredentials(Unauthenticated):
    """Unknown e-mail or wrong password; the answer does not reveal which."""

    codes = ("identity.session.invalid_params",)


class Banned(Unauthenticated):
    """The password is right and the user is banned."""

    codes = ("identity.session.banned",)


class Deleted(Unauthenticated):
    """The password is right and the account is deleted."""

    codes = ("identity.session.deleted",)


class NotActive(Unauthenticated):
    """The password is right and the user's state forbids a session."""

    codes = ("identity.session.not_active",)


class MissingOtp(Unauthenticated):
    """The password is right and a code of the second factor is required."""

    codes = ("identity.session.missing_otp",)


class InvalidOtp(Forbidden):
    """The password is right and the code is wrong."""

    codes = ("identity.session.invalid_otp",)
