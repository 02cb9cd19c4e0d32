"""Which addresses of uploaded files pages show, and of which origins they load pictures."""

import pytest

from console_svc.directory.documents import FileLink, link_of

HERE = "/api/v2/barong/resource/uploads/document/upload/0a/a.png?expires=1&signature=f0"
SIGNED = "/documents/document/upload/0a/a.png?X-Amz-Credential=key%2F20261130&X-Amz-Expires=60"


def test_a_file_that_this_site_hands_out() -> None:
    assert link_of(HERE) == FileLink(HERE)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        (f"https://s3.eu-central-1.amazonaws.com{SIGNED}", "https://s3.eu-central-1.amazonaws.com"),
        (f"http://127.0.0.1:9000{SIGNED}", "http://127.0.0.1:9000"),
        (f"HTTPS://Storage.Example{SIGNED}", "https://storage.example"),
        ("https://account.blob.core.windows.net/c/a.png?sig=a%2Bb%3D", None),
    ],
)
def test_a_file_at_a_storage(url: str, origin: str | None) -> None:
    assert link_of(url) == FileLink(url, origin or "https://account.blob.core.windows.net")


@pytest.mark.parametrize(
    ("name", "is_picture"),
    [("a.png", True), ("A.JPEG", True), ("a.webp", True), ("a.pdf", False), ("a.svg", False)],
)
def test_the_name_says_what_is_a_picture(name: str, is_picture: bool) -> None:
    for place in ("/api/v2/barong/resource/uploads/", "https://storage.example/"):
        link = link_of(f"{place}{name}?name=b.png" if is_picture else f"{place}{name}?b=.png")
        assert link is not None
        assert link.is_picture is is_picture


@pytest.mark.parametrize(
    "url",
    [
        None, 1, {"url": HERE}, "", "a.png", "/a.png", "/api/v2/barong/identity/sessions",
        "javascript:alert(1)", "JavaScript:alert(1)//a.png", "java\nscript:alert(1)",
        "\x01javascript:alert(1)", "data:text/html,<script>alert(1)</script>",
        "data:image/png;base64,AA", "blob:https://storage.example/a", "file:///etc/passwd",
        "ftp://storage.example/a.png", "vbscript:a", "//storage.example/a.png",
        "/\\storage.example/a.png", "https:storage.example/a.png", "https:///a.png",
        "https://storage.example", "https://storage.example\\@evil.example/a.png",
        "https://user@storage.example/a.png", "https://user:secret@storage.example/a.png",
        "https://storage.example;script-src 'unsafe-inline'/a.png",
        "https://storage.example; script-src */a.png", "https://storage.example,evil.example/a",
        "https://storage.example 'unsafe-inline'/a.png", "https://*.example/a.png",
        "https://*/a.png", "https://storage.example:*/a.png", "https://storage.example:x/a.png",
        "https://storage.example\t/a.png", "https://storage.example/a.png\n",
        "https://storage.example/a.png\r\nSet-Cookie: a=b", "https://storage.example/a\x00.png",
        "https://storage.example/\"><script>alert(1)</script>.png", "https://störage.example/a.png",
        "https://storage.example/a'b\".png", " https://storage.example/a.png",
        "https://[::1]/a.png", f"https://{'a' * 254}/a.png", f"{HERE}\n", f"{HERE}\" onload=\"x",
        "https://storage.example/a.png#a",
    ],
)  # fmt: skip
def test_other_values_are_no_links(url: object) -> None:
    assert link_of(url) is None
