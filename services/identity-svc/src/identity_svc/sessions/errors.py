"""Why a session is not opened or not found."""

from shared.errors import Forbidden, NotFound, Unauthenticated


class WrongCredentials(Unauthenticated):
    """Unknown e-mail or wrong password; which of them is not told."""

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
    """The password is right and a code of the second factor is wanted."""

    codes = ("identity.session.missing_otp",)


class InvalidOtp(Forbidden):
    """The password is right and the code is wrong."""

    codes = ("identity.session.invalid_otp",)


class NoSession(NotFound):
    """There is no session to end."""

    codes = ("identity.session.not_found",)


class UnknownSession(NotFound):
    """No living session is kept under this key."""

    codes = ("authz.invalid_session",)
