"""What a log-in may have besides the first factor, and why it is refused."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.errors import Forbidden, Invalid, Unauthenticated

COOKIE_PATHS = (
    "/identity/sessions",
    "/api/v2/identity/sessions",
    "/api/v2/barong/identity/sessions",
)
"""The paths of log-ins: browsers send cookies of log-ins below each of them, and nowhere else."""


@dataclass(frozen=True, slots=True)
class SecondStep:
    """What takes the place of, or is, a code of the second factor.

    A trusted device, which has one of `device_cookies`, is asked for no code. With `trust_device`,
    the code that is given makes this one trusted.
    """

    code: str = field(default="", repr=False)
    device_cookies: Sequence[str] = field(default=(), repr=False)
    trust_device: bool = False

    @property
    def has_code(self) -> bool:
        """Whether a code is given."""
        return bool(self.code.strip())


class WrongCredentials(Unauthenticated):
    """Unknown e-mail or wrong password; the answer does not reveal which."""

    codes = ("identity.session.invalid_params",)


class Banned(Unauthenticated):
    """The first factor is right and the user is banned."""

    codes = ("identity.session.banned",)


class Deleted(Unauthenticated):
    """The first factor is right and the account is deleted."""

    codes = ("identity.session.deleted",)


class NotActive(Unauthenticated):
    """The first factor is right and the user's state forbids a session."""

    codes = ("identity.session.not_active",)


class MissingOtp(Unauthenticated):
    """The first factor is right and a code of the second factor is required."""

    codes = ("identity.session.missing_otp",)


class InvalidOtp(Forbidden):
    """The first factor is right and the code of the second one is wrong."""

    codes = ("identity.session.invalid_otp",)


class EmailNotVerified(Invalid):
    """No account is linked, and the provider did not verify an address by which to find one."""

    codes = ("log_in_provider.email_not_verified",)


class AccountNotConfirmed(Invalid):
    """An account with the provider's address is not confirmed: a mail that confirms it was sent."""

    codes = ("log_in_provider.account_not_confirmed",)


class NotLinked(Invalid):
    """An account with the provider's address exists; its user has to log in and link it."""

    codes = ("log_in_provider.not_linked",)


class NoAccount(Invalid):
    """Nobody has this account, and the provider makes none here."""

    codes = ("log_in_provider.no_account",)
