"""Which URLs are those of clients' metadata documents."""

import pytest

from oauth_svc.protocol.metadata_document import is_document_url


@pytest.mark.parametrize(
    "url",
    [
        "https://app.example.com/",
        "https://app.example.com/client.json",
        "https://app.example.com:8443/a/b%20c",
        "https://xn--bcher-kva.example/client",
    ],
)
def test_a_url_with_a_path_is_one(url: str) -> None:
    assert is_document_url(url, plain_http=False)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "client",
        "https://app.example.com",
        "https://app.example.com?/",
        "https://app.example.com/client?v=2",
        "https://app.example.com/client?",
        "https://app.example.com/client#",
        "https://app.example.com/./client",
        "https://app.example.com/a/..",
        "https://app.example.com/%2E%2e/client",
        "https://user@app.example.com/client",
        "https://bücher.example/client",
        "http://127.0.0.1/client",
        "com.example.app:/client",
    ],
)
def test_others_are_not(url: str) -> None:
    assert not is_document_url(url, plain_http=False)


def test_http_counts_on_this_machine_if_an_operator_allows_it() -> None:
    assert is_document_url("http://127.0.0.1:8000/client", plain_http=True)
    assert not is_document_url("http://app.example.com/client", plain_http=True)
