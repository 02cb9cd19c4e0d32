"""Text as people type it."""

import pytest

from shared.text import ascii_email, composed, is_blank, is_printable, plain_code, plain_number


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" a@b.c ", "a@b.c"),
        ("max@m\u00fcller.de", "max@xn--mller-kva.de"),
        ("max@mu\u0308ller.de", "max@xn--mller-kva.de"),
        ("Max@M\u00dcLLER.de", "Max@xn--mller-kva.de"),
        ("a@fa\u00df.de", "a@xn--fa-hia.de"),
        ("a@\u4f8b\u3048\u3002\u30c6\u30b9\u30c8", "a@xn--r8jz45g.xn--zckzah"),
        ("a@Example.COM", "a@Example.COM"),
        ("a@\u00fc..de", "a@\u00fc..de"),
        ("a@\u00fc_\u00fc.de", "a@\u00fc_\u00fc.de"),
        ("\u00fc", "\u00fc"),
    ],
)
def test_domains_are_kept_in_punycode(typed: str, kept: str) -> None:
    assert ascii_email(typed) == kept
    assert ascii_email(kept) == kept


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("123 456", "123456"),
        ("\u0661\u0662\u0663\u0664\u0665\u0666", "123456"),
        ("\u06f1\u06f2\u06f3 \u06f4\u06f5\u06f6", "123456"),
        ("\u202a123\u2011456\u202c", "123456"),
        ("\u00a0123\u2009456\ufeff", "123456"),
        ("12\u00b2456", "12\u00b2456"),
        ("one", "one"),
    ],
)
def test_codes_are_read_however_they_are_shown(typed: str, plain: str) -> None:
    assert plain_code(typed) == plain


def test_numbers_keep_their_parts() -> None:
    assert plain_number("\u202a(\uff0b44)\u00a020\u201179460958\u202c") == "(+44) 20-79460958"


@pytest.mark.parametrize(
    "text", ["", " ", "\u200b", "\u202e\u00ad\u2063", "\u3164\u2800", "\ufe0f"]
)
def test_what_cannot_be_seen_is_blank(text: str) -> None:
    assert is_blank(text)


@pytest.mark.parametrize("text", ["a", " . ", "\u0300", "\x00", "\u200ba", "\U0001f600"])
def test_what_can_be_seen_is_not(text: str) -> None:
    assert not is_blank(text)


def test_what_is_printable() -> None:
    assert all(map(is_printable, "a\u0301\u0663\u00bd\u2116(/,\u20ac \u200d\U0001f600"))
    assert not any(map(is_printable, "\n\x00\u202e\u200b\ue000\u2028"))


def test_composed_is_one_text_for_one_look() -> None:
    assert composed("e\u0301") == composed("\u00e9")
