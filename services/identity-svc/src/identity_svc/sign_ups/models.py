"""What is wrong with a referral."""

from shared.errors import Invalid


class InvalidReferralFormat(Invalid):
    """The referral does not begin as a uid does."""

    codes = ("identity.user.invalid_referral_format",)


class ReferralDoesntExist(Invalid):
    """Nobody has the referral's uid."""

    codes = ("identity.user.referral_doesnt_exist",)
