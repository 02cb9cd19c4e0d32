"""The codes that prove a phone to be its user's, and the numbers that they are sent to."""

import hmac
import json
import secrets
from collections.abc import Set
from dataclasses import dataclass

import phonenumbers
from prometheus_client import CollectorRegistry, Counter

from resource_svc.phones.models import (
    CODE_DIGITS,
    Attempt,
    CountryNotAllowed,
    KindNotAllowed,
    Phone,
    PhoneNumber,
)
from resource_svc.settings import GLOBAL_SERVICES, NUMBER_KINDS
from shared.crypto.key_ring import KeyRing

_OUTCOMES = ("issued", "user", "number", "ceiling", "country", "kind")


class Codes:
    """Makes codes, and digests of them that are of no use without our keys.

    A plain hash of five digits would be looked up in a table. A digest is bound to user and number.
    """

    def __init__(self, ring: KeyRing) -> None:
        self._keys = [hmac.digest(key, b"phone codes", "sha256") for key in ring.keys.values()]

    def new(self) -> str:
        """Random digits."""
        return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"

    def digest(self, phone: Phone, code: str) -> bytes:
        """What is stored of a code, under the first key of the ring."""
        return _digest(self._keys[0], phone, code)

    def is_right(self, attempt: Attempt, code: str) -> bool:
        """Whether this is the code that was sent, under any key of the ring."""
        digests = [_digest(key, attempt.phone, code) for key in self._keys]
        return any(hmac.compare_digest(each, attempt.code_digest) for each in digests)


def _digest(key: bytes, phone: Phone, code: str) -> bytes:
    return hmac.digest(key, json.dumps([phone.uid, phone.number, code]).encode(), "sha256")


def codes_counter(registry: CollectorRegistry) -> Counter:
    """Counts requests for codes by outcome: issued, or what refused them."""
    counter = Counter(
        "phone_codes",
        "Codes for phones that were asked for, by what became of them.",
        ("outcome",),
        registry=registry,
    )
    for outcome in _OUTCOMES:
        counter.labels(outcome)
    return counter


@dataclass(frozen=True, slots=True)
class Destinations:
    """The numbers that the operator sends codes to: messages cost, and some numbers earn by them.

    No `countries` means all, except global services. `kinds` are names of `NUMBER_KINDS`.
    """

    countries: Set[str]
    kinds: Set[str]
    counter: Counter

    def check(self, number: PhoneNumber) -> None:
        """Raises `CountryNotAllowed` or `KindNotAllowed` for a number that no code is sent to."""
        allowed = number.country in self.countries
        if not allowed and (self.countries or number.country in ("", GLOBAL_SERVICES)):
            self.counter.labels("country").inc()
            raise CountryNotAllowed
        kind = phonenumbers.number_type(phonenumbers.parse(number.e164))
        if kind not in {NUMBER_KINDS[name] for name in self.kinds}:
            self.counter.labels("kind").inc()
            raise KindNotAllowed
