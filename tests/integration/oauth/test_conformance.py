"""What the OpenID Foundation's plans for providers look at, and no other test here does.

Tests have the names of the modules of its suite: Basic OP, RP-Initiated Logout OP, Back-Channel
Logout OP. The suite itself is run from outside.
"""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import jwt
import pytest

from tests.support.client import Client
from tests.support.relying_party import REDIRECT_URI, RelyingParty
from tests.support.system import PASSWORD, Installation

SCOPES = ["openid", "profile", "email", "address", "phone", "offline_access"]
AFTERWARDS = "https://app.example.com/bye"


@pytest.fixture(scope="module")
async def op(registrar: Client, member: Client) -> AsyncIterator[RelyingParty]:
    """A confidential client whose browser is logged in, as it is between the modules."""
    async with await RelyingParty.register(
        registrar,
        first_party=True,
        scopes=SCOPES,
        redirect_uris=[REDIRECT_URI],
        post_logout_redirect_uris=[AFTERWARDS],
    ) as made:
        await made.code(member.email, PASSWORD)
        yield made


@pytest.fixture(scope="module")
async def tokens(op: RelyingParty, member: Client) -> dict[str, Any]:
    status, given = await op.redeem(
        await op.code(member.email, PASSWORD, scope="openid email phone")
    )
    assert status == 200
    return dict(given)


def claims_of(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


async def test_oidcc_discovery_endpoint_verification(system: Installation) -> None:
    async with (
        aiohttp.ClientSession(system.gateway_url) as http,
        http.get("/.well-known/openid-configuration") as got,
    ):
        shown = await got.json()
        assert got.content_type == "application/json"
    assert shown["issuer"] == system.gateway_url
    assert "RS256" in shown["id_token_signing_alg_values_supported"]
    assert shown["subject_types_supported"] == ["public"]
    assert shown["response_types_supported"] == ["code"]
    assert {"openid", "profile", "email", "address", "phone"} <= set(shown["scopes_supported"])
    assert shown["claims_parameter_supported"] is True
    assert shown["request_uri_parameter_supported"] is False  # its default is true
    assert shown["backchannel_logout_session_supported"] is True
    for name in ("authorization", "token", "userinfo", "end_session"):
        assert shown[f"{name}_endpoint"].startswith(f"{system.gateway_url}/oauth/")


@pytest.mark.parametrize(
    ("method", "where"), [("GET", "header"), ("POST", "header"), ("POST", "body")]
)
async def test_oidcc_userinfo(
    op: RelyingParty, tokens: dict[str, Any], method: str, where: str
) -> None:
    token = tokens["access_token"]
    given: dict[str, Any] = (
        {"headers": {"Authorization": f"Bearer {token}"}}
        if where == "header"
        else {"data": {"access_token": token}}
    )
    async with (
        aiohttp.ClientSession(op.system.gateway_url) as http,
        http.request(method, "/oauth/userinfo", **given) as got,
    ):
        told = await got.json()

    assert (got.status, got.content_type) == (200, "application/json")
    assert told["sub"] == claims_of(tokens["id_token"])["sub"]
    assert told["email_verified"] is True


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": None},  # oidcc-ensure-request-without-nonce-succeeds-for-code-flow
        {"state": None},
        {"code_challenge": None, "code_challenge_method": None},  # without PKCE, confidential
        {"display": "page"},
        {"display": "popup"},
        {"login_hint": "somebody@example.com"},
        {"ui_locales": "se"},
        {"claims_locales": "se"},
        {"acr_values": "1 2"},
        {"scope": "email openid"},  # oidcc-ensure-other-scope-order-succeeds
        {"scope": "openid profile email address phone"},  # oidcc-scope-all
        {"extra": "foobar"},  # oidcc-ensure-request-with-unknown-parameter-succeeds
        {"claims": '{"userinfo": {"name": {"essential": true}}}'},  # oidcc-claims-essential
        {"max_age": "10000"},
        {"prompt": "none"},  # oidcc-prompt-none-logged-in
    ],
    ids=lambda changes: ",".join(f"{name}={value}" for name, value in changes.items()),
)
async def test_oidcc_requests_that_succeed(
    op: RelyingParty, changes: dict[str, str | None]
) -> None:
    end = await op.authorize(**changes)

    assert end.location.startswith(f"{REDIRECT_URI}?code=")
    assert end.parameters.get("state") == op.request(**changes).get("state")
    verifier = {"code_verifier": None} if "code_challenge" in changes else {}
    status, given = await op.redeem(end.parameters["code"], **verifier)
    assert status == 200, given
    claims = claims_of(given["id_token"])
    assert claims.get("nonce") == op.request(**changes).get("nonce")
    assert isinstance(claims["auth_time"], int)


async def test_oidcc_ensure_post_request_succeeds(op: RelyingParty) -> None:
    end = await op.visit("POST", "/oauth/authorize", data=op.request())

    assert "code" in end.parameters


@pytest.mark.parametrize(
    "changes",
    [
        {"response_type": None},  # oidcc-response-type-missing
        {"request": "eyJhbGciOiJub25lIn0.e30."},  # oidcc-unsigned-request-object-…
        {"request_uri": "https://app.example.com/request.jwt"},
    ],
)
async def test_oidcc_requests_that_are_refused_at_the_client(
    op: RelyingParty, changes: dict[str, str | None]
) -> None:
    end = await op.authorize(**changes)

    assert end.location.startswith(f"{REDIRECT_URI}?error=")
    assert end.parameters["state"] == "a-state"


async def test_oidcc_ensure_request_object_with_redirect_uri(op: RelyingParty) -> None:
    """A request object that is not read names no redirect URI either."""
    claims = {"redirect_uri": "https://attacker.example/callback"}
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()

    end = await op.authorize(request=f"eyJhbGciOiJub25lIn0.{payload}.")

    assert end.location.startswith(f"{REDIRECT_URI}?error=request_not_supported")


async def test_oidcc_ensure_registered_redirect_uri(op: RelyingParty) -> None:
    shown = await op.authorize(redirect_uri=f"{REDIRECT_URI}/foo")

    assert (shown.status, "Location" in shown.headers) == (400, False)


async def test_oidcc_prompt_login(own_app: RelyingParty, member: Client) -> None:
    _, first = await own_app.redeem(await own_app.code(member.email, PASSWORD))

    asked = await own_app.authorize(prompt="login")
    _, second = await own_app.redeem(await own_app.code(member.email, PASSWORD, prompt="login"))

    one, two = claims_of(first["id_token"]), claims_of(second["id_token"])
    assert "login_challenge" in asked.parameters
    assert (two["sub"], two["auth_time"] >= one["auth_time"]) == (one["sub"], True)
    assert two["sid"] != one["sid"]


async def test_oidcc_max_age_10000(op: RelyingParty, member: Client) -> None:
    _, first = await op.redeem(await op.code(member.email, PASSWORD))
    end = await op.authorize(max_age="10000", prompt="none")

    _, second = await op.redeem(end.parameters["code"])

    one, two = claims_of(first["id_token"]), claims_of(second["id_token"])
    assert (one["auth_time"], one["sub"]) == (two["auth_time"], two["sub"])


async def test_oidcc_id_token_hint(op: RelyingParty, member: Client) -> None:
    _, first = await op.redeem(await op.code(member.email, PASSWORD))

    end = await op.authorize(prompt="none", id_token_hint=first["id_token"])

    _, second = await op.redeem(end.parameters["code"])
    assert claims_of(second["id_token"])["sub"] == claims_of(first["id_token"])["sub"]


async def test_oidcc_refresh_token(op: RelyingParty, member: Client) -> None:
    code = await op.code(member.email, PASSWORD, scope="openid offline_access", prompt="consent")
    _, first = await op.redeem(code)

    status, second = await op.refresh(first["refresh_token"])

    one, two = claims_of(first["id_token"]), claims_of(second["id_token"])
    assert status == 200
    for name in ("iss", "sub", "aud", "azp", "auth_time"):
        assert one[name] == two[name]
    assert two["iat"] >= one["iat"]
    assert two.get("nonce") in (None, one["nonce"])  # Core, 12.2


async def test_oidcc_rp_initiated_logout_asks_or_refuses_and_leads_nowhere_else(
    op: RelyingParty, tokens: dict[str, Any]
) -> None:
    hint = tokens["id_token"]
    head, payload, signature = hint.split(".")
    changed = f"{head}.{payload}.{signature[:-8]}{signature[-8:].swapcase()}"
    for parameters, status in (
        ({}, 200),  # no-params
        ({"state": "s"}, 200),  # only-state
        ({"id_token_hint": "bad"}, 400),  # bad-id-token-hint
        ({"id_token_hint": changed, "post_logout_redirect_uri": AFTERWARDS}, 400),
        ({"post_logout_redirect_uri": AFTERWARDS, "state": "s"}, 400),  # no-id-token-hint
        ({"id_token_hint": hint, "post_logout_redirect_uri": f"{AFTERWARDS}?foo=bar"}, 400),
        ({"id_token_hint": hint, "post_logout_redirect_uri": "https://other.example"}, 400),
    ):
        shown = await op.visit("GET", "/oauth/logout", params=parameters)
        assert (shown.status, "Location" in shown.headers) == (status, False), parameters
    assert "code" in (await op.authorize(prompt="none")).parameters  # nobody was logged out
