"""Pushed authorization requests, and the references to them."""

import pytest

from oauth_svc.protocol.errors import OAuthError
from oauth_svc.protocol.parameters import Parameters
from oauth_svc.protocol.pushed_requests import parse_pushed, reference_of, uri_of
from tests.unit.oauth.conftest import MakeClient

GOOD = {
    "response_type": "code",
    "redirect_uri": "https://app.example.com/callback",
    "scope": "openid",
}


@pytest.mark.parametrize("client_id", [{}, {"client_id": "app"}])
def test_a_request_is_read_as_from_a_browser(
    make_client: MakeClient, client_id: dict[str, str]
) -> None:
    found = parse_pushed(Parameters({**GOOD, **client_id}.items()), make_client())

    assert (found.client_id, found.redirect_uri) == ("app", GOOD["redirect_uri"])


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"request_uri": uri_of("x")}, "invalid_request"),
        ({"client_id": "other"}, "invalid_request"),
        ({"redirect_uri": "https://other.example"}, "invalid_request"),
        ({"redirect_uri": ""}, "invalid_request"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"request": "a.b.c"}, "request_not_supported"),
        ({"code_challenge": "x"}, "invalid_request"),
    ],
)
def test_an_unsound_request_is_refused(
    make_client: MakeClient, changes: dict[str, str], error: str
) -> None:
    with pytest.raises(OAuthError) as refused:
        parse_pushed(Parameters({**GOOD, **changes}.items()), make_client())

    assert (refused.value.error, refused.value.status) == (error, 400)


@pytest.mark.parametrize(
    ("pairs", "reference"),
    [
        ([("request_uri", uri_of("abc"))], "abc"),
        ([("request_uri", uri_of(""))], ""),
        ([("request_uri", "https://a.example/request")], None),
        ([("request_uri", uri_of("abc")), ("request_uri", uri_of("abc"))], None),
        ([("state", uri_of("abc"))], None),
        ([], None),
    ],
)
def test_a_reference_is_known_by_its_urn(
    pairs: list[tuple[str, str]], reference: str | None
) -> None:
    assert reference_of(Parameters(pairs)) == reference
