"""What can be wrong with an account."""

from shared.errors import Invalid, NotFound


class UserNotFound(NotFound):
    """No user has this uid."""


class EmailTaken(Invalid):
    """Another account has this e-mail, in whatever case."""

    codes = ("email.taken",)


class UidTaken(Exception):
    """A random uid met another; the next one will not."""


class InvalidReferralFormat(Invalid):
    """The referral does not begin as a uid does."""

    codes = ("identity.user.invalid_referral_format",)


class ReferralDoesntExist(Invalid):
    """Nobody has the referral's uid."""

    codes = ("identity.user.referral_doesnt_exist",)
