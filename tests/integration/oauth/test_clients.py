"""Clients as administrators register them."""

from typing import Any

import pytest

from tests.support.client import Client
from tests.support.relying_party import REDIRECT_URI, RelyingParty
from tests.support.system import PASSWORD

CLIENTS = "admin/oauth_clients"
GOOD: dict[str, Any] = {"name": "An app", "redirect_uris": [REDIRECT_URI]}
PUBLIC_KEY = {
    "kty": "OKP",
    "crv": "Ed25519",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}


async def test_a_client_is_registered_read_changed_and_deleted(registrar: Client) -> None:
    made = await registrar.call("POST", CLIENTS, json=GOOD)
    path = f"{CLIENTS}/{made.body['client_id']}"
    shown = await registrar.get(path)
    changed = await registrar.call(
        "PUT", path, json={"name": "Another", "access_token_seconds": 60, "first_party": True}
    )
    listed = await registrar.get(CLIENTS, params={"limit": "100"})
    gone = await registrar.call("DELETE", path)
    after = await registrar.get(path)

    assert made.status == 201
    assert made.body.pop("client_secret")
    assert shown.body == made.body
    assert made.body["authentication"] == "client_secret_basic"
    assert made.body["grant_types"] == ["authorization_code", "refresh_token"]
    assert (changed.body["name"], changed.body["access_token_seconds"]) == ("Another", 60)
    assert changed.body["redirect_uris"] == [REDIRECT_URI]
    assert changed.body in listed.body
    assert (gone.status, after.status, after.errors) == (
        204,
        404,
        ["admin.oauth_client.doesnt_exist"],
    )


async def test_both_secrets_count_after_a_rotation(registrar: Client, member: Client) -> None:
    async with await RelyingParty.register(registrar, first_party=True) as client:
        before = client.secret
        rotated = await registrar.post(f"{CLIENTS}/{client.client_id}/secret")
        assert rotated.status == 201
        for secret in (before, rotated.body["client_secret"]):
            client.secret = secret
            code = await client.code(member.email, PASSWORD)
            assert (await client.redeem(code))[0] == 200


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"redirect_uris": []}, "redirect_uris"),
        ({"redirect_uris": ["http://app.example.com/"]}, "redirect_uris"),
        ({"redirect_uris": ["https://app.example.com/#here"]}, "redirect_uris"),
        ({"redirect_uris": ["https://user@app.example.com/"]}, "redirect_uris"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "redirect_uris"),
        ({"redirect_uris": ["myapp:/callback"]}, "redirect_uris"),
        ({"redirect_uris": ["/callback"]}, "redirect_uris"),
        ({"redirect_uris": ["https://a.example/ x"]}, "redirect_uris"),
        ({"redirect_uris": [7]}, "redirect_uris"),
        ({"redirect_uris": [REDIRECT_URI] * 30}, "redirect_uris"),
        ({"post_logout_redirect_uris": ["nowhere"]}, "post_logout_redirect_uris"),
        ({"grant_types": ["password"]}, "grant_types"),
        ({"grant_types": ["client_credentials"], "authentication": "none"}, "grant_types"),
        ({"scopes": ['with"quote']}, "scopes"),
        ({"authentication": "client_secret_jwt"}, "authentication"),
        ({"authentication": "private_key_jwt"}, "jwks"),
        ({"authentication": "private_key_jwt", "jwks": {"keys": []}}, "jwks"),
        ({"authentication": "private_key_jwt", "jwks": {"keys": [{"kty": "?"}]}}, "jwks"),
        (
            {"authentication": "private_key_jwt", "jwks": {"keys": [{**PUBLIC_KEY, "d": "x"}]}},
            "jwks",
        ),
        ({"jwks": {"keys": [PUBLIC_KEY]}}, "jwks"),
        ({"resources": ["orders"]}, "resources"),
        ({"backchannel_logout_uri": "https://10.0.0.1/"}, "backchannel_logout_uri"),
        ({"backchannel_logout_uri": "https://169.254.169.254/"}, "backchannel_logout_uri"),
        ({"backchannel_logout_uri": "ftp://a.example/"}, "backchannel_logout_uri"),
    ],
)
async def test_what_is_no_client_is_refused(
    registrar: Client, given: dict[str, Any], code: str
) -> None:
    refused = await registrar.call("POST", CLIENTS, json={**GOOD, **given})

    assert (refused.status, refused.errors) == (422, [f"admin.oauth_client.invalid_{code}"])


async def test_a_client_without_a_secret_gets_none(registrar: Client) -> None:
    made = await registrar.call("POST", CLIENTS, json={**GOOD, "authentication": "none"})
    refused = await registrar.post(f"{CLIENTS}/{made.body['client_id']}/secret")

    assert made.body["client_secret"] is None
    assert (refused.status, refused.errors) == (422, ["admin.oauth_client.no_secret"])


@pytest.mark.parametrize(
    ("verb", "path"),
    [("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/secret"), ("GET", "/consents")],
)
async def test_what_is_not_there_is_404(registrar: Client, verb: str, path: str) -> None:
    refused = await registrar.call(verb, f"{CLIENTS}/nobody{path}")

    assert (refused.status, refused.errors) == (404, ["admin.oauth_client.doesnt_exist"])


async def test_a_member_registers_nothing(member: Client) -> None:
    assert (await member.get(CLIENTS)).status == 401
    assert (await member.call("POST", CLIENTS, json=GOOD)).status == 401
