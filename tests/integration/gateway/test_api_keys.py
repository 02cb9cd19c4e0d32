"""Calls signed with API keys, through the gateway."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import jwt
import pytest

from shared.contracts.services import ADMIN, GATEWAY, IDENTITY
from shared.errors import NotFound, Unavailable
from shared.process import running
from tests.support.api_keys import API_KEYS, Key, Owner, an_owner
from tests.support.client import Answer, Client
from tests.support.internal import identity_of, resource_of, superadmin_of
from tests.support.system import Installation
from tests.support.waiting import HEARD_SECONDS, until

ME = "resource/users/me"

ODD_KIDS = ("a/../b", "..", ".", "%00", "a?b#c", "ü", "x" * 65, "%" * 4000)


@pytest.fixture(scope="module")
async def lasting_owner(system: Installation) -> AsyncIterator[Owner]:
    """The owner of keys in tests that change neither."""
    async with Client(system) as browser:
        yield await an_owner(browser)


@pytest.fixture(scope="module")
async def lasting_key(lasting_owner: Owner) -> Key:
    return await lasting_owner.new_key()


async def until_refused(program: Client, key: Key, *codes: str) -> Answer:
    """Waits for the first refusal, and asserts that it has one of these codes."""

    async def refused() -> Answer | None:
        answer = await program.get(ME, headers=key.signed())
        return answer if answer.status != 200 else None

    answer = await until(refused, HEARD_SECONDS)
    assert answer is not None
    assert answer.status == 401
    assert answer.errors[0] in codes
    return answer


async def test_a_signature_authenticates_the_owner(
    program: Client, lasting_owner: Owner, lasting_key: Key
) -> None:
    me = await program.get(ME, headers=lasting_key.signed())
    assert (me.status, me.body["uid"]) == (200, lasting_owner.uid)
    label = {"key": "made-by", "value": "program"}
    made = await program.post("resource/labels", label, headers=lasting_key.signed())
    assert made.status == 201
    refused = await program.get("admin/users", headers=lasting_key.signed())
    assert (refused.status, refused.errors) == (401, ["authz.invalid_permission"])


async def test_a_signature_wins_over_a_cookie(lasting_owner: Owner, lasting_key: Key) -> None:
    half = {"X-Auth-Apikey": lasting_key.kid}
    answer = await lasting_owner.browser.get(ME, headers=half)
    assert (answer.status, answer.errors) == (422, ["authz.invalid_api_key_headers"])
    assert (await lasting_owner.browser.get(ME, headers=lasting_key.signed())).status == 200


@pytest.mark.parametrize(
    ("nonce", "code"),
    [
        ("x", "authz.nonce_not_valid_timestamp"),
        (lambda: int(time.time()), "authz.nonce_expired"),
        (lambda: time.time_ns() // 1_000_000 - 6000, "authz.nonce_expired"),
        (lambda: time.time_ns() // 1_000_000 + 6000, "authz.nonce_expired"),
    ],
)
async def test_a_nonce_must_be_recent(
    program: Client, lasting_key: Key, nonce: Any, code: str
) -> None:
    headers = lasting_key.signed(nonce() if callable(nonce) else nonce)
    answer = await program.get(ME, headers=headers)
    assert (answer.status, answer.errors) == (401, [code])


async def test_a_signature_with_another_secret_is_refused(
    program: Client, lasting_key: Key
) -> None:
    for forged, code in (
        (Key(lasting_key.kid, "0" * 32), "authz.invalid_signature"),
        (Key("0" * 16, lasting_key.secret), "authz.unexistent_apikey"),
        *((Key(kid, lasting_key.secret), "authz.unexistent_apikey") for kid in ODD_KIDS),
    ):
        answer = await program.get(ME, headers=forged.signed())
        assert (answer.status, answer.errors) == (401, [code])


async def test_a_call_cannot_be_replayed(program: Client, lasting_key: Key) -> None:
    headers = lasting_key.signed()
    assert (await program.get(ME, headers=headers)).status == 200
    for path in (ME, "resource/labels"):
        answer = await program.get(path, headers=headers)
        assert (answer.status, answer.errors) == (401, ["authz.nonce_used"])


async def test_one_of_fifty_calls_with_one_nonce_is_allowed(
    program: Client, lasting_key: Key
) -> None:
    headers = lasting_key.signed()
    answers = await asyncio.gather(*(program.get(ME, headers=headers) for _ in range(50)))
    assert Counter(answer.status for answer in answers) == {200: 1, 401: 49}
    assert {tuple(a.errors) for a in answers if a.status == 401} == {("authz.nonce_used",)}


async def test_fifty_calls_with_their_own_nonces_are_allowed(
    program: Client, lasting_key: Key
) -> None:
    calls = (program.get(ME, headers=lasting_key.signed()) for _ in range(50))
    assert {answer.status for answer in await asyncio.gather(*calls)} == {200}


async def test_a_key_is_limited_to_its_scopes(program: Client, lasting_owner: Owner) -> None:
    for scope, status in (("trade,resource", 200), ("admin", 401), ("trade", 401)):
        key = await lasting_owner.new_key(scope=scope)
        answer = await program.get(ME, headers=key.signed())
        assert answer.status == status, scope


async def test_forward_auth_returns_a_token(
    program: Client, lasting_owner: Owner, lasting_key: Key
) -> None:
    path = f"/api/v2/auth/api/v2/barong/{ME}"
    answer = await program.call("DELETE", path, headers=lasting_key.signed())
    assert answer.status == 200
    token = answer.headers["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["uid"], claims["exp"] - claims["iat"]) == (lasting_owner.uid, 60)
    assert "sid" not in claims
    again = await program.get(ME, headers={"Authorization": f"Bearer {token}"})
    assert (again.status, again.errors) == (401, ["jwt.decode_and_verify"])


@pytest.mark.parametrize("state", ["inactive", "disabled"])
async def test_disabling_a_key_takes_effect_at_once(
    program: Client, owner: Owner, key: Key, state: str
) -> None:
    assert (await program.get(ME, headers=key.signed())).status == 200
    path = f"{API_KEYS}/{key.kid}"
    off = await owner.browser.call("PATCH", path, await owner.form(state=state))
    assert off.status == 200
    await until_refused(program, key, "authz.apikey_not_active")
    on = await owner.browser.call("PATCH", path, await owner.form(state="active"))
    assert on.status == 200

    async def passes() -> bool:
        return (await program.get(ME, headers=key.signed())).status == 200

    assert await until(passes, HEARD_SECONDS)


async def test_deleting_a_key_takes_effect_at_once(program: Client, owner: Owner, key: Key) -> None:
    assert (await program.get(ME, headers=key.signed())).status == 200
    gone = await owner.browser.call("DELETE", f"{API_KEYS}/{key.kid}", params=await owner.form())
    assert gone.status == 204
    await until_refused(program, key, "authz.unexistent_apikey")


async def test_without_a_second_factor_no_key_works(
    program: Client, owner: Owner, key: Key, system: Installation
) -> None:
    assert (await program.get(ME, headers=key.signed())).status == 200
    async with identity_of(system, ADMIN) as identity:
        await identity.reset_second_factor(await superadmin_of(system), owner.uid)
    # resource-svc disables the keys when the event arrives: the gateway may see either first.
    await until_refused(program, key, "authz.disabled_2fa", "authz.apikey_not_active")


async def test_a_banned_owners_keys_do_not_work(
    program: Client, owner: Owner, key: Key, system: Installation
) -> None:
    assert (await program.get(ME, headers=key.signed())).status == 200
    async with resource_of(system, IDENTITY) as resource:
        await resource.put_private_label(owner.uid, "ban", "verified")
    await until_refused(program, key, "authz.invalid_session", "authz.apikey_not_active")


@pytest.mark.parametrize(
    "missing", ["BARONG_RESOURCE_INTERNAL_URL", "BARONG_IDENTITY_INTERNAL_URL"]
)
async def test_an_unavailable_service_is_503_and_not_401(
    system: Installation, lasting_key: Key, missing: str
) -> None:
    free = {"BARONG_PORT": "0", "BARONG_INTERNAL_PORT": "0", missing: "http://127.0.0.1:1"}
    async with (
        running(system.service("gateway", **free)) as addresses,
        aiohttp.ClientSession(addresses.public) as http,
    ):

        async def decided() -> tuple[int, Any]:
            headers = lasting_key.signed()
            async with http.get(f"/api/v2/barong/{ME}", headers=headers) as got:
                return got.status, await got.json()

        async def has_its_policy() -> bool:
            async with http.get("/api/v2/auth/identity/time") as got:
                return got.status == 200

        await until(has_its_policy)
        assert await decided() == (503, {"errors": ["server.unavailable"]})


async def test_only_the_gateway_gets_tokens_of_users(
    system: Installation, lasting_owner: Owner
) -> None:
    async with identity_of(system, GATEWAY) as identity:
        given = await identity.user_token(lasting_owner.uid)
        for uid in ("ID0", "x", "ID1/../ID2"):
            with pytest.raises(NotFound):
                await identity.user_token(uid)
    async with identity_of(system) as identity:
        assert (given.user, given.user.uid) == (
            await identity.user(lasting_owner.uid),
            lasting_owner.uid,
        )
        with pytest.raises(Unavailable):
            await identity.user_token(lasting_owner.uid)
