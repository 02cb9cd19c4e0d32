"""What may stand in a profile."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from resource_svc.json_text import is_json
from resource_svc.profiles.countries import CODES
from resource_svc.profiles.profile import STATES
from shared.errors import Invalid

MAX_LENGTH = 255
MAX_METADATA = 65_535
EARLIEST_BIRTH = date(1900, 1, 1)

_WHITE_SPACE = " \t\r\n"


@dataclass(frozen=True, slots=True)
class _TextRule:
    """Words of any script, white space and some punctuation."""

    name: str
    punctuation: str
    min_length: int = 1

    def faults(self, text: str) -> Iterator[str]:
        if not text:
            return
        if len(text) < self.min_length:
            yield f"{self.name}.too_short"
        if len(text) > MAX_LENGTH:
            yield f"{self.name}.too_long"
        if not all(c in self.punctuation or c in _WHITE_SPACE or _in_word(c) for c in text):
            yield f"{self.name}.invalid"


def _in_word(character: str) -> bool:
    """Letters, the marks that some scripts write them with, digits and connectors (UTS 18, C)."""
    category = unicodedata.category(character)
    return category[0] in "LM" or category in ("Nd", "Pc")


def _country(code: str) -> Iterator[str]:
    if code and code not in CODES:
        yield "country.must have alpha2 or alpha3 format"


def _dob(day: date) -> Iterator[str]:
    if not EARLIEST_BIRTH <= day <= datetime.now(UTC).date():
        yield "dob.invalid"


def _metadata(text: str) -> Iterator[str]:
    if len(text) > MAX_METADATA:
        yield "metadata.too_long"
    if not is_json(text):
        yield "metadata.invalid_format"


_RULES: Mapping[str, Callable[[Any], Iterable[str]]] = {
    "first_name": _TextRule("first_name", "-'").faults,
    "last_name": _TextRule("last_name", "-'").faults,
    "dob": _dob,
    "city": _TextRule("city", "-–.~'").faults,  # noqa: RUF001 - an en dash, which some cities have
    "country": _country,
    "postcode": _TextRule("postcode", "-", min_length=2).faults,
    "address": _TextRule("address", "-–,.~;/:#\"\\&')(").faults,  # noqa: RUF001 - an en dash
    "metadata": _metadata,
}
"""In the order in which faults are told, which is that of Barong."""


def check(written: Mapping[str, Any], state: str | None = None) -> None:
    """Raises `Invalid` with every fault of these fields and this state; what is None has none."""
    faults = [
        code
        for name, rule in _RULES.items()
        if written.get(name) is not None
        for code in rule(written[name])
    ]
    if state is not None and state not in STATES:
        faults.append("state.inclusion")
    if faults:
        raise Invalid(faults)
