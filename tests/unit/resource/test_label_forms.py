"""How the parameters of operations on labels are read."""

from typing import Any

import pytest

from resource_svc.labels.schemas import KeyForm, LabelForm
from shared.declared import Faults, load
from shared.web.fields import Absence

MISSING_KEY = ["resource.label.missing_key", "resource.label.empty_key"]
MISSING_VALUE = ["resource.label.missing_value", "resource.label.empty_value"]


@pytest.mark.parametrize(
    ("raw", "codes"),
    [
        ({}, MISSING_KEY + MISSING_VALUE),
        ({"value": "abc"}, MISSING_KEY),
        ({"key": "", "value": "abc"}, ["resource.label.empty_key"]),
        ({"key": "  ", "value": "abc"}, ["resource.label.empty_key"]),
        ({"key": "abc"}, MISSING_VALUE),
        ({"key": "abc", "value": None}, ["resource.label.empty_value"]),
        ({"key": "abc", "value": "   "}, ["resource.label.empty_value"]),
    ],
)
def test_absent_and_blank_parameters_are_told_apart(raw: dict[str, Any], codes: list[str]) -> None:
    with pytest.raises(Faults) as caught:
        load(LabelForm, raw)
    told = [code for codes in caught.value.by_key.values() for code in codes]
    assert told == codes
    assert all(isinstance(code, Absence) for code in told)


@pytest.mark.parametrize("key", [["abc"], {"a": "b"}, True])
def test_what_is_no_text_is_invalid(key: Any) -> None:
    with pytest.raises(Faults) as caught:
        load(KeyForm, {"key": key})
    assert caught.value.by_key == {"key": ["invalid"]}


def test_keys_and_values_are_normalized() -> None:
    form = load(LabelForm, {"key": " Color ", "value": "BLUE"})
    assert form == LabelForm(key="color", value="blue")


def test_a_number_of_a_json_body_is_text() -> None:
    assert load(LabelForm, {"key": "size", "value": 100}).value == "100"


def test_text_of_any_length_is_left_to_the_rules() -> None:
    assert len(load(KeyForm, {"key": "k" * 100_000}).key) == 100_000
