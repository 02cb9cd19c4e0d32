"""Routes that are protected resources of their own (RFC 9728), through a gateway."""

import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.support.client import Client
from tests.support.relying_party import RelyingParty
from tests.support.replicas import gateway_with_routes
from tests.support.system import PASSWORD, Installation

ROUTES = """
- prefix: /api/v2/barong/resource/orders
  access: required
  upstream: "{up}"
  scope: orders
  resource: true
- {{prefix: /api/v2/barong/resource/shop, access: required, upstream: "{up}", scope: orders}}
- {{prefix: /.well-known/oauth-protected-resource/elsewhere, access: public, upstream: "{up}"}}
"""
ORDERS = "/api/v2/barong/resource/orders"
METADATA = f"/.well-known/oauth-protected-resource{ORDERS}"


@pytest.fixture(scope="module")
async def guarded(
    system: Installation, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    """The system behind a second gateway with such routes, before an upstream that serves all."""
    folder = tmp_path_factory.mktemp("resources")
    async with gateway_with_routes(system, folder, ROUTES) as mine:
        yield mine


async def tokens_for(system: Installation, resource: str | None) -> str:
    """An access token of a member for this resource, from the system's own gateway."""
    async with Client(system) as admin, Client(system) as member:
        await admin.log_in_as_superadmin()
        await member.become_member()
        async with await RelyingParty.register(
            admin,
            first_party=True,
            scopes=["openid", "orders", "resource"],
            resources=[f"{system.gateway_url}{ORDERS}"],
        ) as app:
            asked = {"scope": "openid orders resource", "resource": resource}
            status, tokens = await app.redeem(await app.code(member.email, PASSWORD, **asked))
            assert status == 200, tokens
            return str(tokens["access_token"])


async def called(system: Installation, path: str, token: str | None) -> tuple[int, str]:
    """The status of a call, and its challenge."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(system.gateway_url) as http,
        http.get(path, headers=headers) as got,
    ):
        return got.status, got.headers.get("WWW-Authenticate", "")


async def test_a_token_is_for_its_resource_alone(
    guarded: Installation, system: Installation
) -> None:
    issuer = system.gateway_url
    own = await tokens_for(system, f"{issuer}{ORDERS}")
    general = await tokens_for(system, None)
    shop = ORDERS.replace("orders", "shop")

    # Each is used twice: the second call may be decided from memory.
    for token, good, bad in ((own, ORDERS, shop), (general, shop, ORDERS)):
        for _ in range(2):
            assert (await called(guarded, good, token))[0] == 200
            assert (await called(guarded, f"{good}/7", token))[0] == 200
            status, challenge = await called(guarded, bad, token)
            assert (status, 'error="invalid_token"' in challenge) == (401, True)


async def test_who_has_no_token_learns_where_to_get_one(
    guarded: Installation, system: Installation
) -> None:
    """The metadata are at the address that the challenge names."""
    named = f'resource_metadata="{system.gateway_url}{METADATA}"'

    assert await called(guarded, ORDERS, None) == (401, f"Bearer {named}")
    status, challenge = await called(guarded, f"{ORDERS}/7", "a.b.c")
    assert (status, named in challenge) == (401, True)
    assert (
        "resource_metadata" not in (await called(guarded, "/api/v2/barong/resource/shop", None))[1]
    )

    async with aiohttp.ClientSession(guarded.gateway_url) as http, http.get(METADATA) as got:
        shown = json.loads(await got.text())
        assert (got.status, got.content_type) == (200, "application/json")
    assert shown == {
        "resource": f"{system.gateway_url}{ORDERS}",
        "authorization_servers": [system.gateway_url],
        "bearer_methods_supported": ["header"],
        "scopes_supported": ["orders"],
        "dpop_signing_alg_values_supported": ["ES256", "Ed25519"],
    }


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/.well-known/oauth-protected-resource", 404),
        (f"{METADATA}/7", 404),
        (METADATA.replace("orders", "shop"), 404),
        (METADATA.replace("orders", "nothing"), 404),
        ("/.well-known/oauth-protected-resource/elsewhere", 200),  # an upstream's own
    ],
)
async def test_no_other_path_has_metadata(guarded: Installation, path: str, status: int) -> None:
    assert (await called(guarded, path, None))[0] == status
