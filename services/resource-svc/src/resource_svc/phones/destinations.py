"""To which numbers codes are sent at all: messages cost, and some numbers earn by them."""

from collections.abc import Set
from dataclasses import dataclass

import phonenumbers
from phonenumbers import PhoneNumberType
from prometheus_client import Counter

from resource_svc.phones.errors import CountryNotAllowed, KindNotAllowed
from resource_svc.phones.number import PhoneNumber

KINDS = {
    name.lower(): value
    for name, value in vars(PhoneNumberType).items()
    if name.isupper() and isinstance(value, int)
}
"""The kinds of numbers by their names, as the numbering plans tell them apart (libphonenumber)."""

NEVER = "premium_rate"
GLOBAL = "001"
"""What phonenumbers calls the country of satellite and other international services."""


def countries(text: str) -> frozenset[str]:
    """A comma separated list of countries (ISO 3166-1, two letters) or 001; raises ValueError."""
    words = {word.strip().upper() for word in text.split(",") if word.strip()}
    if unknown := words - phonenumbers.SUPPORTED_REGIONS - {GLOBAL}:
        raise ValueError(f"Not a country of two letters: {', '.join(sorted(unknown))}.")
    return frozenset(words)


def kinds(text: str) -> frozenset[str]:
    """A comma separated list of kinds of numbers; raises ValueError."""
    words = {word.strip().lower() for word in text.split(",") if word.strip()}
    if NEVER in words:
        raise ValueError("Codes are never sent to premium-rate numbers.")
    if not words or (unknown := words - KINDS.keys()):
        known = ", ".join(sorted(KINDS.keys() - {NEVER}))
        raise ValueError(f"{', '.join(sorted(unknown if words else ()))}: must be some of {known}.")
    return frozenset(words)


@dataclass(frozen=True, slots=True)
class Destinations:
    """The operator's countries, where none means all but global services, and kinds of numbers."""

    countries: Set[str]
    kinds: Set[str]
    codes: Counter

    def refuse(self, number: PhoneNumber) -> None:
        """Raises `CountryNotAllowed` or `KindNotAllowed` for a number that no code is sent to."""
        allowed = number.country in self.countries
        if not allowed and (self.countries or number.country in ("", GLOBAL)):
            self.codes.labels("country").inc()
            raise CountryNotAllowed
        kind = phonenumbers.number_type(phonenumbers.parse(number.e164))
        if kind not in {KINDS[name] for name in self.kinds}:
            self.codes.labels("kind").inc()
            raise KindNotAllowed
