"""A route that asks for a recent or a strong authentication, through a gateway (RFC 9470)."""

from collections.abc import AsyncIterator

import pytest

from tests.support.api_keys import an_owner
from tests.support.client import Client
from tests.support.internal import tables_of_identity
from tests.support.replicas import gateway_with_routes
from tests.support.system import PASSWORD, Installation
from tests.support.waiting import until

ROUTES = """
- {{prefix: /api/v2/barong/resource/vault, access: required, upstream: "{up}", max_age: 300}}
- {{prefix: /api/v2/barong/resource/mint, access: required, upstream: "{up}", acr: aal2}}
- {{prefix: /api/v2/barong/resource/shop, access: required, upstream: "{up}"}}
"""
REFUSED = (401, ["authz.insufficient_user_authentication"])
VERIFY = "resource/sessions/verify"


@pytest.fixture(scope="module")
async def guarded(
    system: Installation, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    """The system behind a gateway with such routes, before an upstream that allows everything."""
    folder = tmp_path_factory.mktemp("step_up")
    async with gateway_with_routes(system, folder, ROUTES) as mine:
        yield mine


@pytest.fixture
async def member(guarded: Installation) -> AsyncIterator[Client]:
    async with Client(guarded) as made:
        await made.become_member()
        assert (await made.log_in()).status == 201
        yield made


async def called(client: Client, path: str, header: str = "") -> tuple[int, object]:
    """The status of a call, and what it says; `header` is a part of the challenge."""
    answer = await client.get(f"resource/{path}")
    assert header in answer.headers.get("WWW-Authenticate", "")
    return answer.status, answer.errors if answer.status == 401 else answer.body


async def grow_old(client: Client) -> None:
    """Lets an hour pass for the member's sessions."""
    async with tables_of_identity(client.system) as tables:
        await tables.execute(
            "UPDATE sessions SET auth_time = auth_time - interval '1 hour' FROM users"
            " WHERE users.uid = sessions.uid AND email = $1",
            client.email,
        )

    async def old() -> bool:
        return (await called(client, "vault"))[0] == 401

    await until(old)


async def test_a_verification_opens_the_route_at_once(member: Client) -> None:
    assert await called(member, "vault") == (200, "served")
    await grow_old(member)
    assert await called(member, "vault", 'max_age="300"') == REFUSED
    assert await called(member, "shop") == (200, "served")
    assert (await member.post(VERIFY, {"password": "wrong"})).status == 422
    assert await called(member, "vault") == REFUSED
    assert (await member.post(VERIFY, {"password": PASSWORD})).status == 201
    for _ in range(3):  # the last ones are decided by the decision cache
        assert await called(member, "vault") == (200, "served")


async def test_two_factors_are_asked_for(member: Client) -> None:
    assert await called(member, "mint", 'acr_values="aal2"') == REFUSED
    await an_owner(member)
    assert await called(member, "mint") == (200, "served")


async def test_other_proxies_get_the_challenge_too(member: Client) -> None:
    """nginx and Envoy pass the header of a 401 on to the client."""
    path = "/api/v2/auth/api/v2/barong/resource"
    assert (await member.get(f"{path}/vault")).status == 200
    await grow_old(member)
    refused = await member.get(f"{path}/vault")
    assert (refused.status, refused.errors) == REFUSED
    assert 'max_age="300"' in refused.headers["WWW-Authenticate"]
    assert refused.headers["X-Auth-Reason"] == REFUSED[1][0]
    assert (await member.get(f"{path}/shop")).status == 200


async def test_api_keys_are_not_enough(member: Client) -> None:
    """Nobody was authenticated when such a call is made."""
    owner = await an_owner(member)
    key = await owner.new_key()
    async with Client(member.system) as program:
        for path, status in (("shop", 200), ("vault", 401), ("mint", 401)):
            url = f"/api/v2/barong/resource/{path}"
            answer = await program.get(url, headers=key.signed())
            assert answer.status == status, answer
