"""What is shown of the API, as clients that take gzip and others get it."""

from authz_gateway.api_document.files import SHOWN


def test_answers_share_their_bytes() -> None:
    """Else each slow client would hold a copy of a file."""
    for shown in SHOWN.values():
        for accepted in ((), ("gzip",)):
            assert shown.answer(accepted).body is shown.answer(accepted).body


def test_the_compressed_form_is_smaller() -> None:
    compressed = ("bundle.js", "swagger-ui.css", "openapi.json", "asyncapi.json")
    for path in (path for path in SHOWN if path.endswith(compressed)):
        assert len(SHOWN[path].answer(("gzip",)).body) < len(SHOWN[path].answer(()).body) / 3
