"""Why a phone is not added or verified."""

from shared.errors import BadRequest, Invalid, NotFound


class InvalidNumber(BadRequest):
    """No country has such a number."""

    codes = ("resource.phone.invalid_num",)


class NumberTaken(BadRequest):
    """Somebody has verified this number, maybe the user himself."""

    codes = ("resource.phone.number_exist",)


class PhoneExists(BadRequest):
    """The user has added this number before and has not verified it."""

    codes = ("resource.phone.exists",)


class TooManyPhones(BadRequest):
    """The user has as many phones as he may have; a code of ours, Barong knows no limit."""

    codes = ("resource.phone.limit_reached",)


class UnknownPhone(NotFound):
    """The user has not added this number."""

    codes = ("resource.phone.doesnt_exist",)


class WrongCode(NotFound):
    """The code is not the one that was sent, or too old."""

    codes = ("resource.phone.verification_invalid",)


class InvalidChannel(Invalid):
    """Codes are not sent that way."""

    codes = ("resource.phone.invalid_channel",)


class NotDelivered(Invalid):
    """The provider will not send to this number, for the reason that the code gives."""
