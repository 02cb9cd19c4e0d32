"""Telephone numbers, read as people write them."""

import re
from dataclasses import dataclass

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

from resource_svc.phones.errors import InvalidNumber
from shared.text import plain_number

_WRITTEN = re.compile(r"\(?\+?[0-9 ().\-/]{1,40}", re.ASCII)
_NO_DIGITS = re.compile(r"[^0-9]", re.ASCII)


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
