"""Codes, refresh tokens, PKCE and the credentials of clients."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth_svc.clients.models import digest_of
from oauth_svc.protocol import pkce
from oauth_svc.protocol.client_authentication import (
    ASSERTION_TYPE,
    Credentials,
    credentials_of,
)
from oauth_svc.protocol.errors import OAuthError
from oauth_svc.protocol.parameters import Parameters
from oauth_svc.protocol.redemption import (
    BoundCode,
    Use,
    audience,
    narrowed,
    remaining,
    require_redeemable,
    use_of_refresh_token,
)

# RFC 7636, appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("verifier", "challenge", "proven"),
    [
        (VERIFIER, CHALLENGE, True),
        (None, None, True),
        (None, CHALLENGE, False),
        (VERIFIER, None, False),
        (CHALLENGE, CHALLENGE, False),
        (VERIFIER[:-1], CHALLENGE, False),
        ("short", CHALLENGE, False),
        ("ü" * 43, CHALLENGE, False),
        ("x" * 129, CHALLENGE, False),
    ],
)
def test_a_verifier_proves_its_challenge_alone(
    verifier: str | None, challenge: str | None, proven: bool
) -> None:
    assert pkce.proves(verifier, challenge) is proven


@pytest.mark.parametrize(
    ("bound", "client_id", "form", "good"),
    [
        ({}, "app", {}, True),
        ({}, "other", {}, False),
        ({"expires_at": NOW}, "app", {}, False),
        ({}, "app", {"redirect_uri": "https://b.example"}, False),
        ({}, "app", {"redirect_uri": ""}, False),
        ({"redirect_uri": None}, "app", {"redirect_uri": ""}, True),
        ({}, "app", {"code_verifier": ""}, False),
        ({"code_challenge": None}, "app", {}, False),
        ({"code_challenge": None}, "app", {"code_verifier": ""}, True),
    ],
)
def test_a_code_is_bound(
    bound: dict[str, Any], client_id: str, form: dict[str, str], good: bool
) -> None:
    values = {
        "client_id": "app",
        "redirect_uri": "https://a.example",
        "code_challenge": CHALLENGE,
        "expires_at": NOW + SECOND,
        **bound,
    }
    given_form = {"redirect_uri": "https://a.example", "code_verifier": VERIFIER, **form}
    parameters = Parameters(given_form.items())

    if good:
        require_redeemable(BoundCode(**values), client_id, parameters, NOW)
    else:
        with pytest.raises(OAuthError) as refused:
            require_redeemable(BoundCode(**values), client_id, parameters, NOW)
        assert refused.value.error == "invalid_grant"


@pytest.mark.parametrize(
    ("used_at", "expires_at", "use"),
    [
        (None, NOW + SECOND, Use.FIRST),
        (None, NOW, Use.EXPIRED),
        (NOW - 10 * SECOND, NOW + SECOND, Use.REPEATED),
        (NOW - 11 * SECOND, NOW + SECOND, Use.REPLAYED),
        (NOW - 11 * SECOND, NOW - SECOND, Use.REPLAYED),
        (NOW + SECOND, NOW + SECOND, Use.REPEATED),  # by a clock that is ahead
    ],
)
def test_what_the_use_of_a_refresh_token_means(
    used_at: datetime | None, expires_at: datetime, use: Use
) -> None:
    assert use_of_refresh_token(used_at, expires_at, NOW, 10 * SECOND) is use


def test_scopes_and_audiences_can_only_shrink() -> None:
    assert narrowed((), ("a", "b")) == ("a", "b")
    assert narrowed(("b",), ("a", "b")) == ("b",)
    assert audience((), (), "issuer") == ["issuer"]
    assert audience((), ("x", "y"), "issuer") == ["x", "y"]
    assert audience(("y",), ("x", "y"), "issuer") == ["y"]
    for refused in (lambda: narrowed(("c",), ("a",)), lambda: audience(("z",), ("x",), "issuer")):
        with pytest.raises(OAuthError):
            refused()


def test_what_a_client_has_lost_is_not_given() -> None:
    assert remaining(("a", "b"), ["b", "c"]) == ("b",)
    assert remaining((), ["a"]) == ()
    with pytest.raises(OAuthError) as refused:
        remaining(("a",), ["b"])
    assert refused.value.error == "invalid_grant"


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def assertion(payload: object) -> str:
    text = base64.urlsafe_b64encode(json.dumps(payload).encode()).rstrip(b"=").decode()
    return f"e30.{text}.x"


SIGNED = {"client_assertion": assertion({"sub": "app"}), "client_assertion_type": ASSERTION_TYPE}


@pytest.mark.parametrize(
    ("form", "header", "expected"),
    [
        ({"client_id": "app"}, None, ("app", "none", None)),
        ({"client_id": "app"}, "Bearer x", ("app", "none", None)),
        ({"client_id": "app", "client_secret": "s"}, None, ("app", "client_secret_post", "s")),
        ({}, basic("app:s"), ("app", "client_secret_basic", "s")),
        ({}, basic("app:a%3Ab+c"), ("app", "client_secret_basic", "a:b c")),
        ({}, basic("app:a:b"), ("app", "client_secret_basic", "a:b")),
        ({"client_id": "app"}, basic("app:s"), ("app", "client_secret_basic", "s")),
        (SIGNED, None, ("app", "private_key_jwt", None)),
    ],
)
def test_a_client_says_who_it_is(
    form: dict[str, str], header: str | None, expected: tuple[str, str, str | None]
) -> None:
    found = credentials_of(Parameters(form.items()), header)

    assert (found.client_id, found.method, found.secret) == expected


@pytest.mark.parametrize(
    ("form", "header", "error"),
    [
        ({}, None, "invalid_client"),
        ({"client_id": "other"}, basic("app:s"), "invalid_client"),
        ({"client_secret": "s"}, basic("app:s"), "invalid_request"),
        ({**SIGNED, "client_secret": "s"}, None, "invalid_request"),
        (SIGNED, basic("app:s"), "invalid_request"),
        ({**SIGNED, "client_id": "other"}, None, "invalid_client"),
        ({**SIGNED, "client_assertion_type": "x"}, None, "invalid_client"),
        ({}, basic("app"), "invalid_client"),
        ({}, "Basic ü", "invalid_client"),
        ({}, "Basic =", "invalid_client"),
        ({}, "Basic " + base64.b64encode(b"\xff:\xff").decode(), "invalid_client"),
        *(
            ({**SIGNED, "client_assertion": text}, None, "invalid_client")
            for text in ("x", "..", "a.é.c", assertion([]), assertion({"sub": 7}), assertion(None))
        ),
    ],
)
def test_credentials_that_name_nobody_are_refused(
    form: dict[str, str], header: str | None, error: str
) -> None:
    with pytest.raises(OAuthError) as refused:
        credentials_of(Parameters(form.items()), header)

    assert refused.value.error == error


@given(st.dictionaries(st.sampled_from(list(SIGNED)), st.text()), st.text())
def test_any_credentials_are_read_or_refused(form: dict[str, str], header: str) -> None:
    for authorization in (header, f"Basic {header}", None):
        try:
            found = credentials_of(Parameters({**SIGNED, **form}.items()), authorization)
        except OAuthError:
            continue
        assert isinstance(found, Credentials)


@given(st.text(st.characters(categories=["L", "Cc", "Cs"])))
def test_any_text_that_json_can_write_has_a_digest(text: str) -> None:
    assert len(digest_of(text)) == 32


def test_what_is_blank_is_absent_and_what_is_too_long_is_refused() -> None:
    found = Parameters([("a", ""), ("b", "x" * 4096), ("c", "x" * 4097), ("d", "p q p")])

    assert (found.get("a"), len(found.get("b") or "")) == (None, 4096)
    assert found.words("d") == ("p", "q")
    assert not found.repeated()
    with pytest.raises(OAuthError):
        found.get("c")
    with pytest.raises(OAuthError):
        found.require("a")
