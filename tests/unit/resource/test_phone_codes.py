"""Codes, and numbers as people write them."""

import os

import pytest

from resource_svc.phones.codes import Codes
from resource_svc.phones.models import Attempt, InvalidNumber, Phone, PhoneNumber
from resource_svc.settings import CODE_PLACEHOLDER
from shared.crypto.key_ring import KeyRing


def a_phone(uid: str = "ID1", number: str = "14155552671") -> Phone:
    return Phone(id=1, uid=uid, number=number, country="US", validated_at=None)


def an_attempt(codes: Codes, code: str, phone: Phone | None = None) -> Attempt:
    digest = codes.digest(a_phone(), code)
    return Attempt(phone=phone or a_phone(), code_digest=digest, seconds_left=1, count=1)


OLD, NEW = os.urandom(32), os.urandom(32)


def test_a_code_is_right_for_its_phone_alone() -> None:
    codes = Codes(KeyRing({"a": OLD}))
    assert codes.is_right(an_attempt(codes, "12345"), "12345")
    assert not codes.is_right(an_attempt(codes, "12345"), "12346")
    for other in (a_phone(uid="ID2"), a_phone(number="14155552672")):
        assert not codes.is_right(an_attempt(codes, "12345", other), "12345")


def test_a_code_outlives_a_rotation() -> None:
    attempt = an_attempt(Codes(KeyRing({"a": OLD})), "12345")
    assert Codes(KeyRing({"b": NEW, "a": OLD})).is_right(attempt, "12345")
    assert not Codes(KeyRing({"b": NEW})).is_right(attempt, "12345")


def test_no_code_was_sent() -> None:
    attempt = Attempt(phone=a_phone(), code_digest=b"", seconds_left=0, count=1)
    assert not Codes(KeyRing({"a": OLD})).is_right(attempt, "")


def test_codes_are_five_digits() -> None:
    codes = Codes(KeyRing({"a": OLD}))
    made = {codes.new() for _ in range(1000)}
    assert len(made) > 900
    assert all(len(code) == 5 and code.isdecimal() for code in made)


@pytest.mark.parametrize(
    "text",
    [
        "+1 (415) 555-2671",
        "14155552671",
        " +1.415.555.2671 ",
        "1/415/5552671",
        "(+1) 415 555 2671",
        "001 415 555-2671",
        "+\u0661\u0664\u0661\u0665\u0665\u0665\u0665\u0662\u0666\u0667\u0661",
        "\u202a+1\u00a0415\u2011555\u20112671\u202c",
        "\uff0b\uff11 415 555 2671",
    ],
)
def test_spellings_of_one_number(text: str) -> None:
    number = PhoneNumber.parse(text)
    assert number == PhoneNumber("14155552671", "US")
    assert number.e164 == "+14155552671"


@pytest.mark.parametrize(
    "text", ["", "0", "415 555 2671", "+1 800 FLOWERS", "+00 1 415 555 2671", "+1+415 555 2671"]
)
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(InvalidNumber):
        PhoneNumber.parse(text)


def test_a_number_of_no_country() -> None:
    assert PhoneNumber.parse("+800 1234 5678") == PhoneNumber("80012345678", "001")


def test_templates() -> None:
    assert CODE_PLACEHOLDER.search("{{code}}!")
    assert CODE_PLACEHOLDER.search("{{ code }}")
    assert not CODE_PLACEHOLDER.search("{code}")
