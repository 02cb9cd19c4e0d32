"""Pages: which is chosen, and what the headers say of it."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from shared.declared import Faults, load
from shared.values.totals import Total
from shared.web.pagination import PageForm, bounded_headers, page_headers

LINK = re.compile(r'<([^>]*)>; rel="(\w+)"')


def links(headers: Any) -> dict[str, URL]:
    return {rel: URL(target) for target, rel in LINK.findall(headers.get("Link", ""))}


def pages(headers: Any) -> dict[str, int]:
    return {rel: int(target.query["page"]) for rel, target in links(headers).items()}


@pytest.mark.parametrize(
    ("raw", "codes"),
    [
        ({"page": ""}, {"page": ["non_positive_page"]}),
        ({"limit": " "}, {"limit": ["invalid_limit"]}),
        ({"page": "x"}, {"page": ["non_integer_page", "non_positive_page"]}),
        ({"page": "1.5"}, {"page": ["non_integer_page", "non_positive_page"]}),
        ({"page": "0"}, {"page": ["non_positive_page"]}),
        ({"page": "-1"}, {"page": ["non_positive_page"]}),
        ({"page": ["1"]}, {"page": ["non_integer_page", "non_positive_page"]}),
        ({"limit": "x"}, {"limit": ["non_integer_limit", "invalid_limit"]}),
        ({"limit": "0"}, {"limit": ["invalid_limit"]}),
        ({"limit": "101"}, {"limit": ["invalid_limit"]}),
        (
            {"limit": "101", "page": "0"},
            {"page": ["non_positive_page"], "limit": ["invalid_limit"]},
        ),
    ],
)
def test_a_page_that_is_none_is_refused(raw: dict[str, Any], codes: dict[str, Any]) -> None:
    with pytest.raises(Faults) as raised:
        load(PageForm, raw)

    assert raised.value.by_key == codes


@pytest.mark.parametrize(
    ("raw", "window"),
    [
        ({}, (100, 0)),
        ({"page": None, "limit": None}, (100, 0)),
        ({"page": "3", "limit": "10"}, (10, 20)),
        ({"page": 10**9, "limit": 100}, (100, (10**9 - 1) * 100)),
    ],
)
def test_the_window_is_limit_and_offset(raw: dict[str, Any], window: tuple[int, int]) -> None:
    assert load(PageForm, raw).window == window


@pytest.mark.parametrize(
    ("page", "total", "expected"),
    [
        (1, 0, {}),
        (1, 10, {}),
        (1, 11, {"last": 2, "next": 2}),
        (2, 11, {"first": 1, "prev": 1}),
        (2, 35, {"first": 1, "prev": 1, "last": 4, "next": 3}),
        (4, 40, {"first": 1, "prev": 3}),
        (9, 35, {"first": 1, "prev": 4}),
        (9, 0, {"first": 1, "prev": 1}),
    ],
)
def test_links_name_the_pages_that_there_are(
    page: int, total: int, expected: dict[str, int]
) -> None:
    headers = page_headers(URL("/things"), PageForm(page=page, limit=10), total)

    assert (headers["Page"], headers["Per-Page"], headers["Total"]) == (str(page), "10", str(total))
    assert ("Link" in headers) is bool(expected)
    assert pages(headers) == expected


@pytest.mark.parametrize(
    ("page", "goes_on", "expected"),
    [
        (1, False, {}),
        (1, True, {"next": 2}),
        (3, True, {"first": 1, "prev": 2, "next": 4}),
        (99, False, {"first": 1, "prev": 98}),
    ],
)
def test_where_the_end_is_unknown_no_link_leads_there(
    page: int, goes_on: bool, expected: dict[str, int]
) -> None:
    form = PageForm(page=page, limit=10)
    headers = bounded_headers(URL("/things"), form, Total(20, exact=False), goes_on=goes_on)

    assert (headers["Page"], headers["Per-Page"], headers["Total"]) == (str(page), "10", "20")
    assert headers["Total-Relation"] == "gt"
    assert ("Link" in headers) is bool(expected)
    assert pages(headers) == expected


def test_where_all_are_counted_the_headers_are_those_of_every_list() -> None:
    url, form = URL("/things"), PageForm(page=2, limit=10)

    assert bounded_headers(url, form, Total(35), goes_on=False) == page_headers(url, form, 35)


WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(st.lists(st.tuples(WORDS, WORDS)), WORDS)
def test_links_keep_the_rest_of_the_query_and_the_path(
    query: list[tuple[str, str]], segment: str
) -> None:
    rest = [(name, value) for name, value in query if name != "page"]
    url = URL("/api").joinpath(segment.strip("./") or "x") % [*query, ("page", "2"), ("page", "3")]
    headers = page_headers(url, PageForm(page=2, limit=10), 100)

    assert "\n" not in headers["Link"]
    assert set(links(headers)) == {"first", "prev", "next", "last"}
    for target in links(headers).values():
        assert target.raw_path == url.raw_path
        assert not target.absolute
        assert [item for item in target.query.items() if item[0] != "page"] == rest
        assert len(target.query.getall("page")) == 1
