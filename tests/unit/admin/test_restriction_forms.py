"""The parameters of the operations on restrictions and whitelinks."""

from datetime import timedelta
from typing import Any

import pytest

from admin_svc.restrictions.models import Terms
from admin_svc.restrictions.schemas import (
    AddRestrictionForm,
    ChangeRestrictionForm,
    ListRestrictionsForm,
)
from admin_svc.whitelinks.schemas import CreateWhitelinkForm
from shared.declared import Faults, load


def codes(form: type[Any], **parameters: Any) -> list[str]:
    with pytest.raises(Faults) as raised:
        load(form, parameters)
    return [code for codes in raised.value.by_key.values() for code in codes]


def test_what_is_not_said_is_usual() -> None:
    said = {"scope": "country", "value": "UA", "category": "whitelist"}

    assert load(AddRestrictionForm, said).terms == Terms(
        category="whitelist", scope="country", value="UA", state="enabled", code=423
    )


def test_only_what_is_given_is_changed() -> None:
    assert load(ChangeRestrictionForm, {"id": "7"}).given == {}
    assert load(ChangeRestrictionForm, {"id": 7, "code": "455", "state": "disabled"}).given == {
        "code": 455,
        "state": "disabled",
    }


def test_faults_come_in_the_order_of_the_parameters() -> None:
    assert codes(AddRestrictionForm, code="x", state="x", category="x", value=" ", scope="x") == [
        "admin.restriction.invalid_scope",
        "admin.restriction.empty_value",
        "admin.restriction.invalid_category",
        "admin.restriction.invalid_state",
        "invalid",
    ]
    assert codes(ListRestrictionsForm, limit="0", page="0", range="x", category="x", scope="x") == [
        "admin.restriction.invalid_scope",
        "admin.restriction.invalid_category",
        "admin.restriction.invalid_range",
        "non_positive_page",
        "invalid_limit",
    ]


@pytest.mark.parametrize("code", ["399", "600", "0", "-1", "200", "99999999999", "401.5", ["401"]])
def test_a_code_is_that_of_a_refusal(code: Any) -> None:
    assert codes(ChangeRestrictionForm, id="1", code=code) == ["invalid"]


@pytest.mark.parametrize("word", ["IP", "ip ", "ips", 1, True, ["ip"], {"ip": 1}])
def test_words_are_taken_to_the_letter(word: Any) -> None:
    assert codes(ChangeRestrictionForm, id="1", scope=word) == ["admin.restriction.invalid_scope"]


@pytest.mark.parametrize("value", [["50.1.2.3"], {"a": "b"}, True])
def test_a_value_is_text(value: Any) -> None:
    assert codes(ChangeRestrictionForm, id="1", value=value) == ["invalid"]


@pytest.mark.parametrize("value", ["a" * 65, "a\x07b", "a\nb"])
def test_a_value_is_a_short_line(value: str) -> None:
    assert codes(ChangeRestrictionForm, id="1", value=value) == ["value.invalid"]


@pytest.mark.parametrize(
    ("said", "lifetime"),
    [
        ({}, timedelta(days=1)),
        ({"expire_time": "30"}, timedelta(days=30)),
        ({"range": "hour"}, timedelta(hours=1)),
        ({"expire_time": 2, "range": "hour"}, timedelta(hours=2)),
        ({"expire_time": "1", "range": "day"}, timedelta(days=1)),
    ],
)
def test_a_whitelink_lives_as_long_as_is_said(said: dict[str, Any], lifetime: timedelta) -> None:
    assert load(CreateWhitelinkForm, said).lifetime == lifetime
