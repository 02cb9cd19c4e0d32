"""Two types of tokens: those of clients, and those that upstreams receive."""

import aiohttp
import jwt
import pytest

from tests.support.client import Client
from tests.support.system import Installation

ME = "resource/users/me"
ASKED = f"/api/v2/auth/{ME}"
REFUSED = {"errors": ["jwt.decode_and_verify"]}


def header_and_life(bearer: str) -> tuple[str, int]:
    token = bearer.removeprefix("Bearer ")
    claims = jwt.decode(token, options={"verify_signature": False})
    return jwt.get_unverified_header(token)["typ"], claims["exp"] - claims["iat"]


async def test_they_differ_in_type_and_lifetime(client: Client) -> None:
    await client.become_member()
    presented = (await client.log_in()).headers["Authorization"]

    assert header_and_life(presented) == ("at+jwt", 900)
    assert header_and_life(await client.upstream_bearer()) == ("JWT", 60)


@pytest.mark.parametrize("path", [ME, ASKED, "/api/v2/auth/trade/orders"])
async def test_the_gateway_refuses_tokens_for_upstreams(
    client: Client, program: Client, path: str
) -> None:
    await client.become_member()
    received = await client.upstream_bearer()
    answer = await program.get(path, headers={"Authorization": received})
    assert (answer.status, answer.body) == (401, REFUSED)
    assert "Authorization" not in answer.headers


async def test_an_upstream_cannot_use_its_callers_token(admin: Client, program: Client) -> None:
    headers = {"Authorization": await admin.upstream_bearer()}
    form = {"category": "blacklist", "scope": "ip", "value": "192.0.2.200"}
    answer = await program.post("admin/restrictions", form, headers=headers)
    assert (answer.status, answer.body) == (401, REFUSED)


@pytest.mark.parametrize(
    ("service", "path"),
    [
        ("resource", "/api/v2/resource/users/me"),
        ("admin", "/api/v2/admin/users"),
        ("identity", "/api/v2/identity/sessions"),
    ],
)
async def test_a_service_accepts_only_tokens_from_the_gateway(
    system: Installation, admin: Client, service: str, path: str
) -> None:
    """Services that are reached without the gateway do not accept a client's token."""
    presented = (await admin.log_in_as_superadmin()).headers["Authorization"]
    received = await admin.upstream_bearer()
    url = f"{system.public_url(service)}{path}"
    async with aiohttp.ClientSession() as http:
        async with http.get(url, headers={"Authorization": presented}) as got:
            assert (got.status, await got.json()) == (401, REFUSED)
        async with http.get(url, headers={"Authorization": received}) as got:
            assert got.status == 200


async def test_an_access_token_authenticates_its_client(client: Client, program: Client) -> None:
    await client.become_member()
    presented = (await client.log_in()).headers["Authorization"]
    answer = await program.get(ME, headers={"Authorization": presented})
    assert (answer.status, answer.body["email"]) == (200, client.email)
