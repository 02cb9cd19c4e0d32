"""Pushed authorization requests (RFC 9126)."""

import asyncio
import json
import time
from collections.abc import Mapping

import aiohttp
import asyncpg
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.client import Client
from tests.support.relying_party import REDIRECT_URI, Page, RelyingParty
from tests.support.system import PASSWORD


async def push(client: RelyingParty, **changes: str | None) -> Mapping[str, str]:
    status, pushed = await client.post("/oauth/par", **client.request(**changes))
    assert status == 201, pushed
    assert 5 <= pushed["expires_in"] <= 600
    found: Mapping[str, str] = pushed
    return found


async def use(client: RelyingParty, request_uri: str, **more: str) -> Page:
    params = {"client_id": client.client_id, "request_uri": request_uri, **more}
    return await client.visit("GET", "/oauth/authorize", params=params)


def is_page(page: Page) -> bool:
    """Whether the error goes to the user, and the browser nowhere."""
    return page.status == 400 and "Location" not in page.headers


@pytest.mark.parametrize("public", [False, True])
async def test_a_user_logs_in_by_a_pushed_request(
    public: bool, app: RelyingParty, own_app: RelyingParty, member: Client
) -> None:
    """What the browser brings beside the reference does not count."""
    client = own_app if public else app
    pushed = await push(client)

    start = await use(
        client, pushed["request_uri"], scope="openid email", redirect_uri="https://evil.example"
    )
    end = await client.log_in(start, member.email, PASSWORD)
    while "code" not in end.parameters:
        end = (
            await client.consent(end)
            if "consent_challenge" in end.parameters
            else await client.visit("GET", end.location)
        )

    assert end.location.startswith(REDIRECT_URI)
    assert end.parameters["state"] == "a-state"
    status, tokens = await client.redeem(end.parameters["code"])
    assert (status, tokens["scope"]) == (200, "openid")


async def test_a_reference_works_once_also_for_two_at_once(own_app: RelyingParty) -> None:
    uri = (await push(own_app))["request_uri"]

    pages = await asyncio.gather(*(use(own_app, uri) for _ in range(3)))

    assert sorted(is_page(page) for page in pages) == [False, True, True]


async def test_a_reference_is_bound_to_its_client(own_app: RelyingParty, app: RelyingParty) -> None:
    uri = (await push(app))["request_uri"]

    assert is_page(await use(own_app, uri))
    assert not is_page(await use(app, uri))  # which the other's attempt did not use up


async def test_a_reference_expires(own_app: RelyingParty) -> None:
    uri = (await push(own_app))["request_uri"]
    connection = await asyncpg.connect(own_app.system.environments["oauth"]["DATABASE_URL"])
    try:
        await connection.execute(
            "UPDATE oauth.pushed_requests SET expires_at = now() WHERE client_id = $1",
            own_app.client_id,
        )
    finally:
        await connection.close()

    assert is_page(await use(own_app, uri))


@pytest.mark.parametrize(
    "uri",
    [
        "urn:ietf:params:oauth:request_uri:",
        "urn:ietf:params:oauth:request_uri:guessed",
        "urn:ietf:params:oauth:request_uri:" + "x" * 4000,
        "urn:ietf:params:oauth:request_uri:a\x00b",
    ],
)
async def test_what_nobody_pushed_is_refused(own_app: RelyingParty, uri: str) -> None:
    assert is_page(await use(own_app, uri))


async def test_a_redirect_uri_that_is_gone_is_not_used(
    registrar: Client, own_app: RelyingParty
) -> None:
    uri = (await push(own_app))["request_uri"]
    changed = await registrar.call(
        "PUT",
        f"admin/oauth_clients/{own_app.client_id}",
        json={"redirect_uris": ["https://new.example.com/callback"]},
    )
    assert changed.status == 200

    assert is_page(await use(own_app, uri))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redirect_uri": "https://evil.example"}, "invalid_request"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
        ({"scope": "openid admin"}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"id_token_hint": "a.b.c"}, "invalid_request"),
        ({"claims": r'{"id_token": {"sub": {"value": "\u0000"}}}'}, "invalid_request"),
    ],
)
async def test_errors_are_the_clients(
    own_app: RelyingParty, changes: dict[str, str], error: str
) -> None:
    status, refused = await own_app.post("/oauth/par", **own_app.request(**changes))

    assert (status, refused["error"]) == (400, error)


async def test_a_client_that_keeps_a_secret_has_to_show_it(app: RelyingParty) -> None:
    async with (
        aiohttp.ClientSession(app.system.gateway_url) as http,
        http.post("/oauth/par", data=app.request()) as got,
    ):
        assert (got.status, (await got.json())["error"]) == (401, "invalid_client")
        assert got.headers["Cache-Control"] == "no-store"


async def test_an_assertion_may_be_meant_for_the_endpoint(registrar: Client) -> None:
    key = rsa.generate_private_key(65537, 2048)
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    async with await RelyingParty.register(
        registrar, authentication="private_key_jwt", jwks={"keys": [{**public, "kid": "k"}]}
    ) as client:
        now = int(time.time())
        claims = {"iss": client.client_id, "sub": client.client_id, "iat": now, "exp": now + 60}
        url = f"{client.system.gateway_url}/oauth/par"
        form = {
            **client.request(),
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            # JSON can write an id that UTF-8 cannot.
            "client_assertion": jwt.encode(
                {**claims, "aud": url, "jti": "\ud800"}, key, "RS256", headers={"kid": "k"}
            ),
        }
        statuses = []
        async with aiohttp.ClientSession() as http:
            for _ in range(2):
                async with http.post(url, data=form) as got:
                    statuses.append(got.status)

    assert statuses == [201, 401]


async def test_the_metadata_name_the_endpoint(own_app: RelyingParty) -> None:
    page = await own_app.visit("GET", "/.well-known/oauth-authorization-server")

    shown = json.loads(page.text)
    assert shown["pushed_authorization_request_endpoint"] == (
        f"{own_app.system.gateway_url}/oauth/par"
    )
