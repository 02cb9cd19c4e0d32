"""Which claims come of a token that is exchanged (RFC 8693)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from oauth_svc.protocol.errors import OAuthError
from oauth_svc.protocol.exchange import MAX_ACTORS, ExchangeRequest, claims_of_exchange
from tests.unit.oauth.conftest import MakeClient

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
REQUEST = ExchangeRequest(subject_token="t", targets=("https://stock.example.com",), scopes=())
SUBJECT: dict[str, Any] = {
    "iss": "https://barong.example.com",
    "sub": "ID0000000001",
    "client_id": "front",
    "exp": int(NOW.timestamp()) + 60,
    "jti": "x",
    "nonce": "n",
}


def exchanged(
    make_client: MakeClient, subject: dict[str, Any], thumbprint: str | None = None
) -> dict[str, Any]:
    client = make_client(client_id="orders")
    audience, scopes = ["https://api.example.com"], ["openid", "orders"]
    return claims_of_exchange(REQUEST, client, subject, audience, scopes, thumbprint, NOW)


def test_the_new_token_lives_no_longer_and_says_no_more(make_client: MakeClient) -> None:
    assert exchanged(make_client, SUBJECT) == {
        "iss": "https://barong.example.com",
        "sub": "ID0000000001",
        "iat": int(NOW.timestamp()),
        "exp": SUBJECT["exp"],
        "aud": "https://stock.example.com",
        "client_id": "orders",
        "scope": "orders",
        "act": {"sub": "orders"},
    }


def test_the_chain_of_actors_has_an_end(make_client: MakeClient) -> None:
    subject = SUBJECT
    for _ in range(MAX_ACTORS):
        subject = {**SUBJECT, "act": exchanged(make_client, subject)["act"]}

    with pytest.raises(OAuthError) as refused:
        exchanged(make_client, subject)

    assert refused.value.error == "invalid_request"


@pytest.mark.parametrize("proven", [None, "another"])
@pytest.mark.parametrize("bound", [{"jkt": "mine"}, {"x5t#S256": "another"}, {}, "mine"])
def test_a_bound_token_needs_a_proof_of_its_key(
    make_client: MakeClient, bound: object, proven: str | None
) -> None:
    with pytest.raises(OAuthError) as refused:
        exchanged(make_client, {**SUBJECT, "cnf": bound}, proven)

    assert refused.value.error == "invalid_request"


@pytest.mark.parametrize("subject", [SUBJECT, {**SUBJECT, "cnf": {"jkt": "mine"}}])
def test_the_new_token_is_bound_to_the_key_of_the_proof(
    make_client: MakeClient, subject: dict[str, Any]
) -> None:
    assert exchanged(make_client, subject, "mine")["cnf"] == {"jkt": "mine"}
