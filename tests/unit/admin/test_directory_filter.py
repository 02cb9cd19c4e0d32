"""What a search looks for."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin_svc.directory.models import UserFilter, is_searchable

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("q", "pattern"),
    [
        ("ann", "%ann%"),
        ("Ann Lee", "%ann lee%"),
        ("a", "%\na%"),
        ("AN", "%\nan%"),
        ("a_b", "%\na\\_b%"),
        ("100%", "%100\\%%"),
        ("a\\nn.ann", "%a\\\\nn.ann%"),
        (".com", "%.com%"),
        ("ßøé", "%ßøé%"),
    ],
)
def test_patterns(q: str, pattern: str) -> None:
    assert is_searchable(q)
    assert UserFilter(q=q).pattern == pattern


@pytest.mark.parametrize("q", ["%", "_", "%%%", "_ab", "@", ".c", "\\", "-", "?!"])
def test_what_no_index_finds(q: str) -> None:
    assert not is_searchable(q)


def matches(pattern: str, text: str) -> bool:
    """LIKE, as PostgreSQL has it."""
    signs = re.findall(r"\\.|.", pattern, re.DOTALL)
    parts = {"%": ".*", "_": "."}
    regex = "".join(parts.get(sign) or re.escape(sign[-1]) for sign in signs)
    return re.fullmatch(regex, text, re.DOTALL) is not None


@given(q=st.text("ab%_\\. ", min_size=1, max_size=6), text=st.text("ab%_\\. \n", max_size=12))
def test_signs_mean_themselves(q: str, text: str) -> None:
    pattern = UserFilter(q=q).pattern
    assert pattern is not None
    anywhere = bool(re.search("[ab]{3}", q))
    assert matches(pattern, text) == (q in text if anywhere else f"\n{q}" in text)


def test_facets_are_compared_regardless_of_case() -> None:
    wanted = UserFilter(
        first_name="ANN", last_name="Lee", country="no", label=("public", "club", "red")
    )
    assert wanted.facets == [
        *("first_name:ann", "last_name:lee", "country:NO"),
        "public:club:red",
    ]


def test_of_whom_counts_are_kept() -> None:
    counted = UserFilter(
        role="member", state="active", level=0, country="NO", created_from=NOW, waiting=True
    )
    assert counted.counted is not None
    for one in (
        *(UserFilter(uid="x"), UserFilter(email="x"), UserFilter(q="x")),
        *(
            UserFilter(first_name="x"),
            UserFilter(last_name="x"),
            UserFilter(label=("private", "a", "b")),
        ),
    ):
        assert one.counted is None
