"""How languages write what the API answers."""

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from console_svc.pages.api import ApiAnswer
from console_svc.pages.languages import Languages
from console_svc.pages.terms import TERMS, text_of

BY_CODE = Languages.read("", "en").by_code


@pytest.mark.parametrize(
    ("code", "number", "day"), [("en", "1,234,567", "7"), ("de", "1.234.567", "7")]
)
def test_numbers_and_days_are_those_of_the_language(code: str, number: str, day: str) -> None:
    assert BY_CODE[code].number(1_234_567) == number
    assert BY_CODE[code].day_of_month("2026-11-07T00:00:00Z") == day


@pytest.mark.parametrize(
    ("word", "german"), [("succeed", "gelungen"), ("active", "aktiv"), ("drafted", "Entwurf")]
)
def test_states_and_results_are_translated(word: str, german: str) -> None:
    assert BY_CODE["de"].text(text_of(word)) == german
    assert BY_CODE["en"].text(text_of(word)) == TERMS[word]


def test_a_word_of_an_operator_has_no_text() -> None:
    assert text_of("vip") == ""


@pytest.mark.parametrize("relation", ["", "gt"])
def test_an_answer_says_whether_there_are_more_than_its_total(relation: str) -> None:
    headers = CIMultiDict({"Total": "5000"} | ({"Total-Relation": relation} if relation else {}))
    answer = ApiAnswer([], CIMultiDictProxy(headers))
    assert (answer.total, answer.is_more) == (5000, relation == "gt")
