"""Which clients get a refusal as a page, and in which language."""

import pytest

from authz_gateway.http.refusal_pages import language_of, prefers_html

CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        (CHROME, True),
        ("text/html", True),
        ("TEXT/HTML;level=1;Q=0.5, application/json;q=0.4", True),
        ("text/html;q=1.000", True),
        (None, False),
        ("", False),
        ("*/*", False),
        ("text/*", False),
        ("application/json", False),
        ("application/json, text/html", False),
        ("text/html, */*", False),
        ("text/html;q=0.4, application/*;q=0.5", False),
        ("text/html;q=0", False),
        ("text/html;q=2", False),
        ("text/html;q=x", False),
        ("," * 5000 + "text/html", False),
    ],
)
def test_who_prefers_html(accept: str | None, html: bool) -> None:
    assert prefers_html([] if accept is None else [accept]) is html


def test_several_fields_count_as_one() -> None:
    assert prefers_html(["text/html;q=0.2", "application/json;q=0.1"])
    assert not prefers_html(["text/html;q=0.2", "application/json;q=0.3"])


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("de", "de"),
        ("de-AT, en;q=0.5", "de"),
        ("fr, de;q=0.3, en;q=0.5", "en"),
        ("fr, de;q=0.3", "de"),
        ("de;q=0", "en"),
        ("fr", "en"),
        ("", "en"),
        ("<script>", "en"),
    ],
)
def test_the_language(header: str, language: str) -> None:
    assert language_of([header]) == language
