"""Which keys and values a label may have, and in which order their faults are told."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resource_svc.labels.models import check, normalized
from shared.errors import Invalid

_RIGHT = st.from_regex(r"[a-z0-9_-]{3,255}", fullmatch=True)


@pytest.mark.parametrize(
    ("key", "value", "codes"),
    [
        ("ab", "abc", ("key.too_short",)),
        ("abc", "ab", ("value.too_short",)),
        ("b" * 256, "abc", ("key.too_long",)),
        ("abe", "v" * 256, ("value.too_long",)),
        ("with space", "abc", ("key.invalid",)),
        ("dot.key", "abc", ("key.invalid",)),
        ("abc\n", "abc", ("key.invalid",)),
        ("ключ", "abc", ("key.invalid",)),
        ("٣٣٣", "abc", ("key.invalid",)),
        ("ABC", "abc", ("key.invalid",)),
        ("abf", "with space", ("value.invalid",)),
        ("ab", "ab", ("key.too_short", "value.too_short")),
        ("a!", "b!", ("key.too_short", "key.invalid", "value.too_short", "value.invalid")),
        ("!" * 256, "abc", ("key.too_long", "key.invalid")),
    ],
)
def test_every_fault_is_told_in_one_list(key: str, value: str, codes: tuple[str, ...]) -> None:
    with pytest.raises(Invalid) as caught:
        check(key=key, value=value)
    assert caught.value.codes == codes


@pytest.mark.parametrize("text", ["abc", "a-b_c", "___", "123", "a" * 255])
def test_right_texts_pass(text: str) -> None:
    check(key=text, value=text)


def test_a_value_alone_is_checked_alone() -> None:
    with pytest.raises(Invalid) as caught:
        check(value="a!")
    assert caught.value.codes == ("value.too_short", "value.invalid")


@given(_RIGHT)
def test_what_the_contract_allows_passes(text: str) -> None:
    check(key=text, value=text)


@given(st.text())
def test_nothing_else_passes(text: str) -> None:
    allowed = re.fullmatch(r"[a-z0-9_-]{3,255}", text) is not None
    try:
        check(key=text)
    except Invalid:
        assert not allowed
    else:
        assert allowed


@pytest.mark.parametrize("text", ["color", "COLOR", "  Color ", "cOLOR\t"])
def test_case_and_space_around_make_no_other_key(text: str) -> None:
    assert normalized(text) == "color"


@given(st.text())
def test_normalizing_again_changes_nothing(text: str) -> None:
    assert normalized(normalized(text)) == normalized(text)
