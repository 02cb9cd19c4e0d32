"""Profiles: who users say they are, what a profile may contain, and why one is refused."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any

from resource_svc.profiles.countries import CODES
from shared.errors import Conflict, Invalid, NotFound
from shared.json_text import is_json
from shared.text import is_printable
from shared.values.timestamps import seconds

DRAFTED, SUBMITTED, VERIFIED, REJECTED = "drafted", "submitted", "verified", "rejected"

STATES = (DRAFTED, SUBMITTED, VERIFIED, REJECTED)

FIELDS = (
    *("first_name", "last_name", "dob", "address"),
    *("postcode", "city", "country", "metadata"),
)
"""What a user writes, in the order in which it is shown."""

MAX_LENGTH = 255
MAX_METADATA = 65_535
EARLIEST_BIRTH = date(1900, 1, 1)

_APOSTROPHES = "'\u2018\u2019"
_HYPHENS = "-\u2010\u2011\u2013"
_JOINERS = "\u200c\u200d"
_NAME_SIGNS = frozenset(f" {_APOSTROPHES}{_HYPHENS}{_JOINERS}.\u00b7\u30fb")
"""With the dots of Catalan (Gal·la) and of foreign names in Japanese."""


class NoProfile(NotFound):
    """The user has no profile."""

    codes = ("resource.profile.not_exist",)


class ProfileExists(Conflict):
    """The user has a profile that is drafted or submitted; another has to wait for its verdict."""

    codes = ("state.exists",)


class ProfileNotEditable(NotFound):
    """The user has no profile that is a draft."""

    codes = ("resource.profile.doesnt_exist_or_not_editable",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One profile of one user, who has at most one that is drafted or submitted.

    `version` is that of all profiles of the user when this one changed last; it only grows.
    """

    id: int
    uid: str
    state: str
    first_name: str | None
    last_name: str | None
    dob: date | None
    address: str | None
    postcode: str | None
    city: str | None
    country: str | None
    metadata: str | None
    version: int
    created_at: datetime
    updated_at: datetime

    def written(self) -> dict[str, Any]:
        """What the user wrote."""
        return {name: _plain(getattr(self, name)) for name in FIELDS}

    def to_public(self) -> dict[str, Any]:
        """The `Profile` of the public API."""
        shown = self.written()
        metadata = shown.pop("metadata")
        return {
            **shown,
            "state": self.state,
            "metadata": metadata,
            "created_at": seconds(self.created_at),
            "updated_at": seconds(self.updated_at),
        }

    def to_internal(self) -> dict[str, Any]:
        """Everything, for our own services."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


@dataclass(frozen=True, slots=True)
class _TextRule:
    """A text of at least `min_length` characters, each of which `allows` accepts."""

    name: str
    allows: Callable[[str], bool]
    min_length: int = 1

    def faults(self, text: str) -> Iterator[str]:
        if not text:
            return
        if len(text) < self.min_length:
            yield f"{self.name}.too_short"
        if len(text) > MAX_LENGTH:
            yield f"{self.name}.too_long"
        if not all(map(self.allows, text)):
            yield f"{self.name}.invalid"


def _in_word(character: str) -> bool:
    """Letters, the marks that some scripts write them with, digits and connectors (UTS 18, C)."""
    category = unicodedata.category(character)
    return category[0] in "LM" or category in ("Nd", "Pc")


def _in_name(character: str) -> bool:
    return character in _NAME_SIGNS or _in_word(character)


def _in_postcode(character: str) -> bool:
    return character in " -" or _in_word(character)


def _in_address(character: str) -> bool:
    return character in "\t\r\n" or is_printable(character)


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
    "first_name": _TextRule("first_name", _in_name).faults,
    "last_name": _TextRule("last_name", _in_name).faults,
    "dob": _dob,
    "city": _TextRule("city", is_printable).faults,
    "country": _country,
    "postcode": _TextRule("postcode", _in_postcode, min_length=2).faults,
    "address": _TextRule("address", _in_address).faults,
    "metadata": _metadata,
}
"""In the order in which faults are shown, which is Barong's."""


def check(written: Mapping[str, Any], state: str | None = None) -> None:
    """Raises `Invalid` with every fault of these fields and this state; None has no fault."""
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
