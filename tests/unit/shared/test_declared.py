"""Dataclasses that check their values."""

from dataclasses import dataclass

import pytest
from marshmallow import fields

from shared.declared import Faults, declared, load
from shared.web.fields import Integer, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """Something to be sent."""

    receiver: str = declared(Text(missing=["missing_receiver"], empty="empty_receiver"))
    weight: int = declared(Integer(missing=["missing_weight"], maximum=10, range_code="too_heavy"))
    note: str | None = declared(Text(), None)
    password: str = declared(Text(), "")
    stamp: str = "none"


def test_values_are_converted_and_defaults_taken() -> None:
    assert load(Parcel, {"receiver": "a", "weight": "5"}) == Parcel(receiver="a", weight=5)


def test_only_declared_fields_are_read() -> None:
    assert load(Parcel, {"receiver": "a", "weight": 1, "stamp": "gold", "x": 1}).stamp == "none"


def test_every_fault_comes_in_the_order_of_the_fields() -> None:
    with pytest.raises(Faults) as raised:
        load(Parcel, {"note": "\x07", "weight": 11, "receiver": " "})

    assert list(raised.value.by_key.items()) == [
        ("receiver", ["empty_receiver"]),
        ("weight", ["too_heavy"]),
        ("note", ["invalid"]),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcels:
    """Several of them."""

    receivers: list[str] = declared(fields.List(fields.String(), required=True))


def test_faults_within_a_list_are_faults_of_its_field() -> None:
    with pytest.raises(Faults) as raised:
        load(Parcels, {"receivers": ["a", 1, None, 2]})

    assert raised.value.by_key == {
        "receivers": ["Not a valid string.", "Field may not be null."],
    }


@pytest.mark.parametrize("nothing", [None, "", " "])
def test_what_is_required_is_missing_where_it_is_blank(nothing: object) -> None:
    with pytest.raises(Faults) as raised:
        load(Parcel, {"receiver": "a", "weight": nothing})

    assert raised.value.by_key == {"weight": ["missing_weight"]}


def test_what_was_sent_never_shows() -> None:
    parcel = load(Parcel, {"receiver": "a", "weight": 1, "password": "hunter2"})

    assert parcel.password == "hunter2"
    assert "hunter2" not in repr(parcel)
