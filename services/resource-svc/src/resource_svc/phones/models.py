"""Phones, their numbers, how often codes are sent to them, and why a phone is refused."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

from shared.errors import BadRequest, Invalid, NotFound, Throttled
from shared.text import plain_number
from shared.values.timestamps import milliseconds

CHANNELS = ("sms", "call")
MAX_PHONES = 50
"""Of one user; nobody needs more, and phones that were never verified stay."""

CODE_DIGITS = 5  # as many as Barong's, for which front ends leave room
CODE_SECONDS = 600
MAX_ATTEMPTS = 5
"""Per code. With the limits of sends, a day of guessing succeeds with a chance below 1 in 1,000."""

_WRITTEN = re.compile(r"\(?\+?[0-9 ().\-/]{1,40}", re.ASCII)
_NO_DIGITS = re.compile(r"[^0-9]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `sends` in any `seconds`."""

    sends: int
    seconds: int


PER_USER_AND_NUMBER = (Limit(5, 600), Limit(10, 86_400))
"""Codes that one user requests for one number."""

PER_NUMBER = (Limit(15, 600), Limit(40, 86_400))
"""Codes that all users together request for one number, so that it is not flooded.

This is more than one user may request: the owner of the number can request all of theirs, whatever
another user requests. It takes several accounts to reach it, each with its own limits.
"""

PER_USER = (Limit(30, 86_400),)
"""Codes that one user requests, for whatever numbers."""

HOUR = 3600


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
    """Somebody has verified this number, maybe the user."""

    codes = ("resource.phone.number_exist",)


class PhoneExists(BadRequest):
    """The user has added this number before and has not verified it."""

    codes = ("resource.phone.exists",)


class TooManyPhones(BadRequest):
    """The user has as many phones as they may have; a code of ours, Barong knows no limit."""

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


CHANNEL_TOO = BadRequest(InvalidChannel.codes)
"""The same beside the code of an absent number: the answer has both codes, and is a 400."""


class NotDelivered(Invalid):
    """The provider will not send to this number, for one of these reasons."""

    codes = (
        "resource.phone.num_not_valid",
        "resource.phone.num_not_reachable",
        "resource.phone.unsubscribed_recipient",
        "resource.phone.sms_content_invalid",
        "resource.phone.twilio_unexpected",
    )


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A number that may exist: its digits with the country's code, and the country (ISO 3166-1)."""

    digits: str
    country: str

    @classmethod
    def parse(cls, text: str) -> "PhoneNumber":
        """The number that `text` gives with its country code; raises `InvalidNumber`.

        The code follows `+`, `00` (ITU-T E.123) or nothing. Digits may be those of any script.
        """
        written = plain_number(text)
        if not _WRITTEN.fullmatch(written):
            raise InvalidNumber
        digits = _NO_DIGITS.sub("", written)
        if "+" not in written:
            digits = digits.removeprefix("00")
        try:
            number = phonenumbers.parse(f"+{digits}")
        except NumberParseException:
            raise InvalidNumber from None
        if not phonenumbers.is_valid_number(number):
            raise InvalidNumber
        digits = phonenumbers.format_number(number, PhoneNumberFormat.E164).removeprefix("+")
        return cls(digits, phonenumbers.region_code_for_number(number) or "")

    @property
    def e164(self) -> str:
        """As telephone companies want it: +14155552671."""
        return f"+{self.digits}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """One number of one user; many users may add a number, only one can have it verified."""

    id: int
    uid: str
    number: str
    country: str
    validated_at: datetime | None

    def to_public(self) -> dict[str, Any]:
        """The `Phone` of the public API."""
        return {
            "country": self.country,
            "number": self.number,
            "validated_at": milliseconds(self.validated_at) if self.validated_at else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The `count`th attempt at the code of a phone.

    `code_digest` is of the code that was sent last, which is valid for `seconds_left` more.
    """

    phone: Phone
    code_digest: bytes
    seconds_left: float
    count: int
