"""What may stand in a profile."""

from datetime import UTC, date, datetime, timedelta

import pytest

from resource_svc.profiles.countries import CODES
from resource_svc.profiles.models import check
from shared.errors import Invalid


def faults(**written: object) -> list[str]:
    try:
        check(written)
    except Invalid as invalid:
        return list(invalid.codes)
    return []


@pytest.mark.parametrize(
    "name",
    [
        "Renée",
        "Rene\u0301e",
        "ნინო",
        "李小龍",
        "นภา",
        "X_1",
        "O\u2019Brien",
        "L\u2019Aquila",
        "King Jr.",
        "St. John",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u0915\u094d\u200d\u0937",
        "Anne\u2011Marie",
        "Gal\u00b7la",
        "\u0130pek\u0307",
    ],
)
def test_names_of_all_scripts(name: str) -> None:
    assert faults(first_name=name, last_name=name, city=name) == []


@pytest.mark.parametrize("name", ["a\u200bb", "<b>", "😀", "a;b", "²", "a\u2028b"])
def test_what_is_no_name(name: str) -> None:
    assert faults(first_name=name, postcode=name * 2) == ["first_name.invalid", "postcode.invalid"]


@pytest.mark.parametrize(
    "place",
    [
        "Biel/Bienne",
        "Frankfurt (Oder)",
        "Washington, D.C.",
        "\u2116 5",
        "12\u00bd High St",
        "K!v",
        "?",
    ],
)
def test_places_are_any_printable_text(place: str) -> None:
    assert faults(city=place, address=place) == []


@pytest.mark.parametrize("place", ["a\u202eb", "a\u200bb", "a\ue000", "a\u2028b", "a\x07b"])
def test_what_cannot_be_printed_is_no_place(place: str) -> None:
    assert faults(city=place, address=place) == ["city.invalid", "address.invalid"]


def test_an_address_has_lines_and_a_city_has_none() -> None:
    assert faults(address="1 High St\nKyiv", city="a\nb") == ["city.invalid"]


def test_lengths_count_characters() -> None:
    assert faults(first_name="ї" * 255, postcode="її", address="ї" * 255) == []
    assert faults(postcode="." * 256) == ["postcode.too_long", "postcode.invalid"]


@pytest.mark.parametrize(
    ("days", "codes"), [(0, []), (2, ["dob.invalid"]), (-60_000, ["dob.invalid"])]
)
def test_nobody_is_born_tomorrow(days: int, codes: list[str]) -> None:
    assert faults(dob=datetime.now(UTC).date() + timedelta(days)) == codes
    assert faults(dob=date(1900, 1, 1)) == []


def test_countries() -> None:
    assert len(CODES) == 2 * 250
    assert {"UA", "UKR", "GB", "GBR", "XK", "XKX"} <= CODES
    assert faults(country="") == []
    assert faults(country="UAA") == ["country.must have alpha2 or alpha3 format"]


def test_blank_text_is_no_fault_but_blank_json_is() -> None:
    assert faults(first_name="", city="", address="", postcode="") == []
    assert faults(metadata="") == ["metadata.invalid_format"]
    assert faults(metadata=None, dob=None) == []


def test_json_that_is_too_deep_is_none() -> None:
    assert faults(metadata="[" * 20_000) == ["metadata.invalid_format"]
