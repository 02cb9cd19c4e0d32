"""Clients that register themselves (RFC 7591), and manage their registration (RFC 7592)."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.support.client import Client
from tests.support.own_service import installation_with
from tests.support.registrant import Registrant
from tests.support.relying_party import REDIRECT_URI, RelyingParty
from tests.support.system import PASSWORD, Installation

GOOD: dict[str, Any] = {"client_name": "A self-made app", "redirect_uris": [REDIRECT_URI]}
ANOTHER = "another-initial-access-token-of-this-file"


@pytest.fixture
async def registrant(system: Installation) -> AsyncIterator[Registrant]:
    async with Registrant(system) as made:
        yield made


async def test_a_client_registers_itself_and_logs_a_user_in(
    registrant: Registrant, member: Client, system: Installation
) -> None:
    async with (
        aiohttp.ClientSession(system.gateway_url) as http,
        http.get("/.well-known/openid-configuration") as got,
    ):
        endpoint = (await got.json())["registration_endpoint"]
    assert endpoint == f"{system.gateway_url}/oauth/register"

    status, made = await registrant.register(GOOD)

    assert status == 201
    assert made["client_id_issued_at"] > 1_700_000_000
    assert made["client_secret_expires_at"] == 0  # never
    assert made["token_endpoint_auth_method"] == "client_secret_basic"
    assert made["grant_types"] == ["authorization_code"]
    assert made["response_types"] == ["code"]
    assert made["registration_client_uri"] == f"{endpoint}/{made['client_id']}"
    async with RelyingParty(system, made) as app:
        start = await app.authorize(scope="openid email")
        asked = await app.visit("GET", (await app.log_in(start, member.email, PASSWORD)).location)
        assert "consent_challenge" in asked.parameters  # it is never first-party
        code = await app.code(member.email, PASSWORD, scope="openid email")
        assert (await app.redeem(code))[0] == 200


async def test_a_registration_is_read_replaced_and_deleted(registrant: Registrant) -> None:
    _, made = await registrant.register(
        {**GOOD, "grant_types": ["authorization_code", "refresh_token"], "scope": "openid email"}
    )
    mine = registrant.of(made)

    shown = await mine.get()
    replaced = await mine.put(
        {
            "client_id": made["client_id"],
            "client_secret": made["client_secret"],
            "client_name": "Renamed",
            "redirect_uris": ["http://127.0.0.1/callback"],
            "token_endpoint_auth_method": "none",
        }
    )
    again = await mine.get()
    gone = await mine.delete()

    secret = made.pop("client_secret")
    assert shown == (200, made)
    assert secret not in str(shown)
    status, public = replaced
    assert (status, public["client_name"]) == (200, "Renamed")
    assert public["grant_types"] == ["authorization_code"]  # what is absent is the default again
    assert "client_secret_expires_at" not in public
    assert again == replaced
    assert gone == (204, None)
    assert (await mine.get())[0] == 401  # RFC 7592, 2.1
    assert (await mine.delete())[0] == 401


async def test_a_public_client_that_becomes_confidential_gets_a_secret(
    registrant: Registrant,
) -> None:
    _, made = await registrant.register({**GOOD, "token_endpoint_auth_method": "none"})
    mine = registrant.of(made)

    change = {**GOOD, "client_id": made["client_id"]}
    status, after = await mine.put(change)
    _, kept = await mine.put(change)

    assert "client_secret" not in made
    assert (status, len(after["client_secret"]) > 30) == (200, True)
    assert "client_secret" not in kept


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"redirect_uris": None}, "invalid_redirect_uri"),
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": REDIRECT_URI}, "invalid_redirect_uri"),
        ({"redirect_uris": [REDIRECT_URI] * 21}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://app.example.com/"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://app.example.com/*#"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["com.example.app:/callback"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://app.example.com/" + "a" * 2048]}, "invalid_redirect_uri"),
        ({"redirect_uris": [7]}, "invalid_redirect_uri"),
        ({"client_name": "n" * 101}, "invalid_client_metadata"),
        ({"client_name": " "}, "invalid_client_metadata"),
        ({"client_name": "Bank\u202egro.live"}, "invalid_client_metadata"),
        ({"client_name": "\u0000"}, "invalid_client_metadata"),
        ({"client_name": "\ud800"}, "invalid_client_metadata"),
        ({"client_name": ["x"]}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "client_secret_jwt"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": ["none"]}, "invalid_client_metadata"),
        ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
        ({"grant_types": "authorization_code"}, "invalid_client_metadata"),
        ({"response_types": ["token"]}, "invalid_client_metadata"),
        ({"scope": "admin"}, "invalid_client_metadata"),
        ({"scope": ["openid"]}, "invalid_client_metadata"),
        ({"dpop_bound_access_tokens": "yes"}, "invalid_client_metadata"),
        ({"post_logout_redirect_uris": ["nowhere"]}, "invalid_client_metadata"),
        ({"post_logout_redirect_uris": ["com.example.app:/bye"]}, "invalid_client_metadata"),
        ({"backchannel_logout_uri": "https://10.0.0.1/"}, "invalid_client_metadata"),
        ({"backchannel_logout_uri": "\u0000"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
        (
            {
                "token_endpoint_auth_method": "private_key_jwt",
                "jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]},
            },
            "invalid_client_metadata",
        ),
        (
            {
                "token_endpoint_auth_method": "private_key_jwt",
                "jwks": {"keys": [{"kty": "RSA", "n": "\u0000", "e": "AQAB"}]},
            },
            "invalid_client_metadata",
        ),
        (
            {
                "token_endpoint_auth_method": "private_key_jwt",
                "jwks_uri": "https://10.0.0.1/keys",
            },
            "invalid_client_metadata",
        ),
    ],
)
async def test_metadata_that_are_not_supported_are_refused(
    registrant: Registrant, given: dict[str, Any], error: str
) -> None:
    status, refused = await registrant.register({**GOOD, **given})

    assert (status, refused["error"]) == (400, error)


async def test_of_what_is_asked_only_what_is_allowed_is_registered(registrant: Registrant) -> None:
    _, made = await registrant.register(
        {
            **GOOD,
            "first_party": True,
            "scope": "openid admin",
            "grant_types": ["authorization_code", "client_credentials", "password"],
            "tos_uri": "https://app.example.com/terms",
        }
    )

    assert (made["scope"], made["grant_types"]) == ("openid", ["authorization_code"])
    assert "first_party" not in made


async def test_a_client_can_insist_on_tokens_that_are_bound_to_a_key(
    registrant: Registrant, member: Client, system: Installation
) -> None:
    """RFC 9449, 5.2."""
    _, made = await registrant.register({**GOOD, "dpop_bound_access_tokens": True})
    async with RelyingParty(system, made) as app:
        status, refused = await app.redeem(await app.code(member.email, PASSWORD))

    assert made["dpop_bound_access_tokens"] is True
    assert (status, refused["error"]) == (400, "invalid_dpop_proof")


async def test_without_an_initial_access_token_nobody_registers(registrant: Registrant) -> None:
    for token in (None, "", "guessed"):
        status, refused = await registrant.register(GOOD, token)
        assert (status, refused["error"]) == (401, "invalid_token")


async def test_no_other_client_manages_a_registration(registrant: Registrant) -> None:
    _, one = await registrant.register(GOOD)
    _, other = await registrant.register(GOOD)
    forged = {**one, "registration_access_token": other["registration_access_token"]}

    for mine in (registrant.of(forged), registrant.of({**one, "registration_access_token": "x"})):
        assert (await mine.get())[0] == 401
        assert (await mine.put({**GOOD, "client_id": one["client_id"]}))[0] == 401
        assert (await mine.delete())[0] == 401
    assert (await registrant.of(one).get())[0] == 200


@pytest.mark.parametrize(
    "given",
    [
        {"client_id": "another"},
        {"client_id": None},
        {"client_secret": "another"},
        {"registration_access_token": "chosen"},
        {"client_secret_expires_at": 1},
    ],
)
async def test_what_the_server_sets_is_not_replaced(
    registrant: Registrant, given: dict[str, Any]
) -> None:
    _, made = await registrant.register(GOOD)
    body = {**GOOD, "client_id": made["client_id"], **given}

    status, refused = await registrant.of(made).put(body)

    assert (status, refused["error"]) == (400, "invalid_client_metadata")


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"[]", "application/json", 400),
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"redirect_uris=x", "application/x-www-form-urlencoded", 400),
        (b'{"a":"' + b"x" * 20_000 + b'"}', "application/json", 413),
    ],
)
async def test_a_body_that_is_no_registration_is_refused(
    registrant: Registrant, body: bytes, kind: str, status: int
) -> None:
    got = await registrant.send(body, kind)

    assert (got[0], got[1]["error"]) == (status, "invalid_client_metadata")


async def test_registration_is_off_without_a_token_and_limited_with_one(
    system: Installation,
) -> None:
    async with (
        installation_with(system, "oauth", BARONG_OAUTH_REGISTRATION_TOKENS="") as off,
        Registrant(off) as registrant,
        aiohttp.ClientSession(off.gateway_url) as http,
    ):
        status, refused = await registrant.register(GOOD, "")
        assert (status, refused) == (404, {"errors": ["oauth.registration.off"]})
        async with http.get("/.well-known/openid-configuration") as got:
            assert "registration_endpoint" not in await got.json()
    settings = {
        "BARONG_OAUTH_REGISTRATION_TOKENS": ANOTHER,
        "BARONG_OAUTH_REGISTRATIONS": "2",
        "BARONG_OAUTH_SELF_REGISTERED_SCOPES": "openid orders",
    }
    async with (
        installation_with(system, "oauth", **settings) as limited,
        Registrant(limited) as registrant,
    ):
        made = [await registrant.register(GOOD, ANOTHER) for _ in range(3)]
        assert [status for status, _ in made] == [201, 201, 400]
        assert made[0][1]["scope"] == "openid orders"
        assert made[2][1]["error"] == "invalid_client_metadata"
        await registrant.of(made[0][1]).delete()
        assert (await registrant.register(GOOD, ANOTHER))[0] == 201


async def test_an_administrator_sees_who_registered_a_client_but_does_not_trust_it(
    registrant: Registrant, registrar: Client
) -> None:
    _, made = await registrant.register(GOOD)
    path = f"admin/oauth_clients/{made['client_id']}"

    shown = await registrar.get(path)
    refused = await registrar.call("PUT", path, json={"first_party": True})
    more = await registrar.call("PUT", path, json={"scopes": "openid,orders"})
    gone = await registrar.call("DELETE", path)

    assert (shown.body["registered_by"], shown.body["first_party"]) == (
        "initial_access_token",
        False,
    )
    assert (refused.status, refused.errors) == (422, ["admin.oauth_client.invalid_first_party"])
    assert more.body["scopes"] == ["openid", "orders"]
    assert gone.status == 204
    assert (await registrant.of(made).get())[0] == 401


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("eyJhbGciOiJSUzI1NiJ9.eyJzb2Z0d2FyZV9pZCI6IngifQ.c2ln", "unapproved_software_statement"),
        ("no statement", "invalid_software_statement"),
        ({"software_id": "x"}, "invalid_software_statement"),
        ("", "invalid_software_statement"),
    ],
)
async def test_rfc_7591_3_2_2_software_statements_are_refused_and_not_ignored(
    registrant: Registrant, statement: object, error: str
) -> None:
    status, refused = await registrant.register({**GOOD, "software_statement": statement})

    assert (status, refused["error"]) == (400, error)
