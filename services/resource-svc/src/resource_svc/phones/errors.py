"""Why a phone is not added or verified."""

from shared.errors import BadRequest, Invalid, NotFound, Throttled


class InvalidNumber(BadRequest):
    """No country has such a number."""

    codes = ("resource.phone.invalid_num",)


class CountryNotAllowed(BadRequest):
    """The operator sends no codes to this country; a code of ours."""

    codes = ("resource.phone.country_not_allowed",)


class KindNotAllowed(BadRequest):
    """The operator sends no codes to numbers of this kind; a code of ours."""

    codes = ("resource.phone.kind_not_allowed",)


class CeilingReached(Throttled):
    """All users together have had as many codes as an hour allows; a code of ours."""

    codes = ("resource.phone.ceiling_reached",)


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
