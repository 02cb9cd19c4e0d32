"""Authorization requests: what is read of them, what is refused, and what is decided."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth_svc.protocol.authorization import (
    AuthorizationRequest,
    Granted,
    Login,
    NeedsConsent,
    NeedsLogin,
    Progress,
    answer_uri,
    client_id_of,
    decide,
    parse,
    redirect_uri_of,
)
from oauth_svc.protocol.errors import DirectError, OAuthError
from oauth_svc.protocol.parameters import Parameters
from shared.contracts.authentication import LEVELS
from tests.unit.oauth.conftest import MakeClient

REDIRECT_URI = "https://app.example.com/callback"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636, appendix B
GOOD = {
    "client_id": "app",
    "response_type": "code",
    "redirect_uri": REDIRECT_URI,
    "scope": "openid orders",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
UID, SID = "IDABCDEF0123", "sid-1"


def parameters(*more: tuple[str, str], **changes: str | None) -> Parameters:
    """Those of a good request, with changes; None removes one."""
    pairs: Iterable[tuple[str, str | None]] = {**GOOD, **changes}.items()
    return Parameters([*((name, value) for name, value in pairs if value is not None), *more])


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"request": "a.b.c"}, "request_not_supported"),
        ({"request_uri": "https://a.example"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": " "}, "invalid_scope"),
        ({"scope": "openid admin"}, "invalid_scope"),
        ({"scope": "OPENID"}, "invalid_scope"),
        ({"scope": "x" * 4097}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "create"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "1.5"}, "invalid_request"),
        ({"max_age": "٣"}, "invalid_request"),
        ({"max_age": "1" * 10}, "invalid_request"),
        ({"state": "x" * 2049}, "invalid_request"),
        ({"nonce": "a\x00"}, "invalid_request"),
        ({"login_hint": "x" * 256}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": CHALLENGE + "="}, "invalid_request"),
        ({"resource": "https://other.example"}, "invalid_target"),
        ({"claims": "{"}, "invalid_request"),
    ],
)
def test_unsound_requests_are_refused_with_the_error_of_their_rfc(
    make_client: MakeClient, changes: dict[str, str | None], error: str
) -> None:
    with pytest.raises(OAuthError) as refused:
        parse(parameters(**changes), make_client())

    assert refused.value.error == error
    assert not isinstance(refused.value, DirectError)  # it goes to the redirect URI


@pytest.mark.parametrize("name", [*GOOD, "state", "anything"])
def test_repeated_parameters_are_refused(make_client: MakeClient, name: str) -> None:
    with pytest.raises(OAuthError) as refused:
        parse(parameters((name, "a"), (name, "a")), make_client())

    assert refused.value.error == "invalid_request"


def test_resources_may_be_repeated_and_unknown_parameters_are_ignored(
    make_client: MakeClient,
) -> None:
    urls = ["https://a.example", "https://b.example"]
    asked = [("resource", url) for url in (*urls, urls[0])]

    found = parse(parameters(*asked, unknown="x" * 5000), make_client(resources=urls))

    assert found.resources == tuple(urls)


@pytest.mark.parametrize(("authentication", "allowed"), [("client_secret_post", 1), ("none", 0)])
def test_only_confidential_clients_may_leave_pkce_out(
    make_client: MakeClient, authentication: str, allowed: int
) -> None:
    asked = parameters(code_challenge=None, code_challenge_method=None)
    client = make_client(authentication=authentication)

    if allowed:
        assert parse(asked, client).code_challenge is None
    else:
        with pytest.raises(OAuthError):
            parse(asked, client)


def test_offline_access_is_ignored_for_clients_that_may_not_refresh(
    make_client: MakeClient,
) -> None:
    client = make_client(grant_types=["authorization_code"])

    assert parse(parameters(scope="openid offline_access"), client).scopes == ("openid",)


def test_a_client_of_another_grant_may_not_ask(make_client: MakeClient) -> None:
    with pytest.raises(OAuthError) as refused:
        parse(parameters(), make_client(grant_types=["client_credentials"]))

    assert refused.value.error == "unauthorized_client"


@pytest.mark.parametrize(
    ("changes", "uris"),
    [
        ({"redirect_uri": "https://other.example"}, [REDIRECT_URI]),
        ({"redirect_uri": None}, [REDIRECT_URI]),  # `openid` needs it (Core, 3.1.2.1)
        ({"redirect_uri": None, "scope": "orders"}, [REDIRECT_URI, "https://b.example"]),
        ({"redirect_uri": None, "scope": "orders"}, []),
        # What is given and cannot be read is not as if it were absent.
        ({"redirect_uri": "x" * 4097, "scope": "orders"}, [REDIRECT_URI]),
        ({"redirect_uri": REDIRECT_URI + "\x00", "scope": "orders"}, [REDIRECT_URI]),
    ],
)
def test_without_a_redirect_uri_of_the_client_the_error_goes_nowhere(
    make_client: MakeClient, changes: dict[str, str | None], uris: list[str]
) -> None:
    with pytest.raises(DirectError):
        redirect_uri_of(parameters(**changes), make_client(redirect_uris=uris))


def test_a_repeated_redirect_uri_goes_nowhere(make_client: MakeClient) -> None:
    with pytest.raises(DirectError):
        redirect_uri_of(parameters(("redirect_uri", REDIRECT_URI)), make_client())


def test_without_openid_the_only_redirect_uri_need_not_be_named(make_client: MakeClient) -> None:
    found = redirect_uri_of(parameters(redirect_uri=None, scope="orders"), make_client())

    assert found == (REDIRECT_URI, False)


@pytest.mark.parametrize("changes", [{"client_id": None}, {"client_id": "x" * 4097}])
def test_without_a_client_the_error_goes_nowhere(changes: dict[str, str | None]) -> None:
    with pytest.raises(DirectError):
        client_id_of(parameters(**changes))


def login(**changes: Any) -> Login:
    values = {"uid": UID, "sid": SID, "at": NOW - timedelta(hours=1), "acr": "aal1", **changes}
    return Login(**values)


def essential_acr(*values: str) -> str:
    return json.dumps({"id_token": {"acr": {"essential": True, "values": values}}})


FRESH = NOW + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("changes", "session", "expected"),
    [
        ({}, None, NeedsLogin),
        ({}, login(), NeedsConsent),
        ({"prompt": "none"}, None, "login_required"),
        ({"prompt": "none"}, login(), "consent_required"),
        ({"prompt": "login"}, login(), NeedsLogin),
        ({"prompt": "select_account"}, login(), NeedsLogin),
        ({"prompt": "login"}, login(at=FRESH), NeedsConsent),
        ({"max_age": "3600"}, login(), NeedsConsent),
        ({"max_age": "3599"}, login(), NeedsLogin),
        ({"max_age": "0"}, login(), NeedsLogin),
        ({"max_age": "0"}, login(at=FRESH), NeedsConsent),
        ({"max_age": "0", "prompt": "none"}, login(), "login_required"),
        ({"claims": '{"id_token": {"sub": {"value": "other"}}}'}, login(), NeedsLogin),
        ({"claims": f'{{"id_token": {{"sub": {{"value": "{UID}"}}}}}}'}, login(), NeedsConsent),
        ({"claims": essential_acr("aal2")}, login(), NeedsLogin),
        ({"claims": essential_acr("aal2")}, login(acr="aal2"), NeedsConsent),
        ({"acr_values": "aal2"}, login(), NeedsLogin),
        ({"acr_values": "aal1"}, login(), NeedsConsent),
        ({"acr_values": "aal2 aal1"}, login(), NeedsConsent),
        ({"acr_values": "aal2"}, login(acr="phr"), NeedsConsent),
        ({"acr_values": "aal2"}, login(at=FRESH), NeedsConsent),
        ({"acr_values": "aal1"}, login(acr=None), NeedsLogin),
        ({"acr_values": "urn:other 0"}, login(), NeedsConsent),
        ({"acr_values": "aal2", "prompt": "none"}, login(), "consent_required"),
        (
            {"claims": essential_acr("aal2")},
            login(at=FRESH),
            "unmet_authentication_requirements",
        ),
        (
            {"claims": essential_acr("aal2"), "prompt": "none"},
            login(),
            "unmet_authentication_requirements",
        ),
    ],
)
def test_what_comes_next(
    make_client: MakeClient, changes: dict[str, str], session: Login | None, expected: Any
) -> None:
    client = make_client()
    request = parse(parameters(**changes), client)
    progress = Progress(began=NOW, seen=NOW - timedelta(hours=1))

    if isinstance(expected, str):
        with pytest.raises(OAuthError) as refused:
            decide(request, client, session, (), progress, NOW, LEVELS)
        assert refused.value.error == expected
    else:
        assert isinstance(decide(request, client, session, (), progress, NOW, LEVELS), expected)


@pytest.mark.parametrize(
    ("client_changes", "changes", "consented", "consented_by", "granted"),
    [
        ({}, {}, ("openid",), None, False),
        ({}, {}, ("openid", "orders"), None, True),
        ({}, {}, (), SID, True),
        ({}, {}, (), "another-session", False),
        ({"first_party": True}, {}, (), None, True),
        ({"first_party": True}, {"prompt": "consent"}, (), None, False),
        ({}, {"prompt": "consent"}, ("openid", "orders"), None, False),
        ({}, {"prompt": "consent"}, (), SID, True),
    ],
)
def test_a_code_is_for_what_the_user_allowed(
    make_client: MakeClient,
    client_changes: dict[str, Any],
    changes: dict[str, str],
    consented: tuple[str, ...],
    consented_by: str | None,
    granted: bool,
) -> None:
    client = make_client(**client_changes)
    request = parse(parameters(**changes), client)
    progress = Progress(began=NOW, consented_by=consented_by)

    decision = decide(request, client, login(), consented, progress, NOW, LEVELS)

    assert isinstance(decision, Granted if granted else NeedsConsent)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "state": st.text(max_size=30),
            "nonce": st.text(max_size=30),
            "login_hint": st.text(max_size=30),
            "prompt": st.sampled_from(["none", "login consent", "select_account"]),
            "max_age": st.integers(0, 10**9 - 1).map(str),
            "acr_values": st.text(max_size=30),
            "ui_locales": st.text(max_size=30),
            "claims": st.dictionaries(
                st.sampled_from(["id_token", "userinfo"]),
                st.dictionaries(
                    st.sampled_from(["email", "acr", "sub", "x"]),
                    st.none() | st.fixed_dictionaries({"value": st.text(max_size=5)}),
                ),
            ).map(json.dumps),
        },
    )
)
def test_what_is_stored_is_what_was_asked(make_client: MakeClient, changes: dict[str, str]) -> None:
    """PostgreSQL's jsonb takes it: UTF-8, without NUL."""
    client = make_client()
    try:
        request = parse(parameters(**changes), client)
    except OAuthError:
        return

    stored = json.dumps(request.to_json(), ensure_ascii=False).encode().decode()

    assert "\\u0000" not in stored
    assert AuthorizationRequest.of(json.loads(stored)) == request


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("https://a.example/cb", "https://a.example/cb?code=x"),
        ("https://a.example/cb?t=1", "https://a.example/cb?t=1&code=x"),
        ("com.example.app:/cb", "com.example.app:/cb?code=x"),
    ],
)
def test_answers_are_added_to_the_query(uri: str, expected: str) -> None:
    assert answer_uri(uri, {"code": "x", "state": None}) == expected
