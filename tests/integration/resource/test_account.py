"""/resource/users/me, through the gateway: looked at, given other data, and deleted."""

import asyncio
import secrets
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from shared.contracts.services import GATEWAY
from tests.support.authenticator import Authenticator, early_in_a_step, second_factor_of
from tests.support.client import Answer, Client
from tests.support.events import Ear
from tests.support.internal import (
    identity_of,
    put_private_label,
    resource_of,
    tables_of_identity,
)
from tests.support.system import PASSWORD, Installation
from tests.support.waiting import until

ME = "resource/users/me"
NO_DATA = ["resource.user.missing_data", "resource.user.empty_data"]
NO_PASSWORD = ["resource.user.missing_password", "resource.user.empty_password"]
TOO_LONG, NO_JSON = "data.too_long", "data.invalid_format"


async def delete(client: Client, **query: str) -> Answer:
    return await client.call("DELETE", ME, params=query)


async def state_of(client: Client, uid: str) -> str:
    async with identity_of(client.system) as identity:
        return (await identity.user(uid)).state


PUT_REFUSED: list[tuple[dict[str, Any], list[str]]] = [
    ({}, NO_DATA),
    *(({"data": blank}, NO_DATA[1:]) for blank in ("", "   ", None)),
    ({"data": "nope"}, [NO_JSON]),
    ({"data": "{'a': 1}"}, [NO_JSON]),
    ({"data": "NaN"}, [NO_JSON]),
    ({"data": "[" * 1000}, [NO_JSON]),
    ({"data": f'"{"x" * 1023}"'}, [TOO_LONG]),
    ({"data": "x" * 1025}, [TOO_LONG, NO_JSON]),
    ({"data": {"a": 1}}, ["invalid"]),
    ({"data": [1]}, ["invalid"]),
    ({"data": True}, ["invalid"]),
    ({"data": '"\x1b"'}, ["data.invalid_format"]),
    ({"data": "x" * 65_537}, ["data.invalid_format"]),
]


@pytest.mark.parametrize(("body", "codes"), PUT_REFUSED)
async def test_what_is_no_data(
    shared_member: Client, body: dict[str, Any], codes: list[str]
) -> None:
    answer = await shared_member.call("PUT", ME, json=body)
    assert (answer.status, answer.errors) == (422, codes)
    assert (await shared_member.get(ME)).body["data"] is None


async def test_data_is_kept_as_it_is(member: Client, ear: Ear) -> None:
    before = (await member.get(ME)).body
    for data in ('{"language":"en",\n "theme": "dark"}', '{"language": "de"}', '"é\\u0000"', "[1]"):
        changed = await member.call("PUT", ME, {"data": data, "role": "admin", "level": "9"})
        assert (changed.status, changed.body["data"]) == (200, data)
        assert changed.body | {"data": None, "updated_at": ""} == before | {"updated_at": ""}
        assert changed.body == (await member.get(ME)).body
    unchanged = await member.call("PUT", ME, {"data": "[1]"})
    assert unchanged.body == changed.body
    assert (await member.log_in()).body["data"] == "[1]"

    async def heard() -> list[Any]:
        mine = [e for e in ear.events if e.record.get("email") == member.email]
        mine = [e for e in mine if e.name == "model.user.updated" and "data" in e.snapshot]
        return mine if len(mine) == 4 and all(e.id in ear.legacy for e in mine) else []

    events = await until(heard)
    assert [event.snapshot["data"] for event in events][-1] == "[1]"
    assert all("data" not in event.record and event.changes == {} for event in events)


async def test_the_longest_data(member: Client) -> None:
    data = f'"{"é" * 1022}"'
    assert (await member.call("PUT", ME, {"data": data})).body["data"] == data


async def test_who_calls_at_the_same_time_as_others_sees_their_own_account_as_it_is_now(
    system: Installation,
) -> None:
    """What many ask for is read together."""

    async def changes_and_looks(client: Client) -> None:
        for number in range(5):
            data = f'{{"of": "{client.email}", "number": {number}}}'
            assert (await client.call("PUT", ME, {"data": data})).status == 200
            for answer in await asyncio.gather(*(client.get(ME) for _ in range(4))):
                assert answer.status == 200
                assert (answer.body["email"], answer.body["data"]) == (client.email, data)
                assert [label["key"] for label in answer.body["labels"]] == ["email"]

    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(Client(system)) for _ in range(4)]
        await asyncio.gather(*(client.become_member() for client in clients))
        await asyncio.gather(*(changes_and_looks(client) for client in clients))


async def test_who_is_nobody_any_more_is_not_found(system: Installation) -> None:
    uid = "ID" + secrets.token_hex(5).upper()
    async with tables_of_identity(system) as tables, identity_of(system, GATEWAY) as identity:
        await tables.execute(
            """
            INSERT INTO users (uid, email, password_digest, role, level, state)
            VALUES ($1, $1, '', 'member', 1, 'active')
            """,
            uid,
        )
        token = (await identity.user_token(uid)).token
        await tables.execute("DELETE FROM users WHERE uid = $1", uid)
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{system.public_url('resource')}/api/v2/{ME}"
    async with aiohttp.ClientSession(headers=headers) as http:
        for method, query in (
            ("GET", {}),
            ("PUT", {"data": "{}"}),
            ("DELETE", {"password": PASSWORD}),
        ):
            async with http.request(method, url, params=query) as got:
                assert (got.status, await got.json()) == (404, {"errors": ["record.not_found"]})


DELETE_REFUSED: list[tuple[dict[str, str], list[str]]] = [
    ({}, NO_PASSWORD),
    ({"otp_code": "123456"}, NO_PASSWORD),
    *(({"password": blank}, NO_PASSWORD[1:]) for blank in ("", "   ")),
    ({"password": "wrong"}, ["resource.user.invalid_password"]),
    ({"password": PASSWORD.upper()}, ["resource.user.invalid_password"]),
    *(
        ({"password": PASSWORD, "otp_code": blank}, ["resource.user.empty_otp_code"])
        for blank in ("", "   ")
    ),
    ({"password": "x" * 1025}, ["invalid"]),
    ({"password": "a\x1bb"}, ["invalid"]),
]


@pytest.mark.parametrize(("query", "codes"), DELETE_REFUSED)
async def test_what_deletes_no_account(
    shared_member: Client, query: dict[str, str], codes: list[str]
) -> None:
    answer = await delete(shared_member, **query)
    assert (answer.status, answer.errors) == (422, codes)
    me = await shared_member.get(ME)
    assert (me.status, me.body["state"]) == (200, "active")


async def test_a_deleted_account_is_closed_at_once(
    member: Client, system: Installation, ear: Ear
) -> None:
    uid = (await member.get(ME)).body["uid"]
    async with Client(system) as other:
        bearer = (await other.log_in(member.email)).headers["Authorization"]
        deleted = await delete(member, password=PASSWORD)
        assert (deleted.status, deleted.body) == (204, "")
        assert await state_of(member, uid) == "deleted"

        async def closed() -> bool:
            cookies = [await client.get(ME) for client in (member, other)]
            async with Client(system) as program:
                cookies.append(await program.get(ME, headers={"Authorization": bearer}))
            return all(answer.status == 401 for answer in cookies)

        assert await until(closed)
        again = await other.log_in(member.email)
        assert (again.status, again.errors) == (401, ["identity.session.deleted"])
        wrong = await other.log_in(member.email, "wrong")
        assert wrong.errors == ["identity.session.invalid_params"]
        taken = await other.sign_up(email=member.email)
        assert taken.errors == ["email.taken"]

    async def heard() -> list[Any]:
        mine = [e for e in ear.events if member.email in str(e.record) and e.id in ear.legacy]
        return mine if any(e.name == "system.user.account.deleted" for e in mine) else []

    events = {event.name: event for event in await until(heard)}
    assert events["model.label.created"].record["value"] == "by_user"
    assert events["model.user.updated"].changes == {"state": "active"}
    assert events["system.session.revoked"].record["sid"] is None
    told = events["system.user.account.deleted"].record
    assert set(told) == {"user"}
    assert (told["user"]["uid"], told["user"]["state"]) == (uid, "deleted")


async def test_with_a_second_factor_a_code_is_asked_for(member: Client) -> None:
    await early_in_a_step()
    uid = (await member.get(ME)).body["uid"]
    authenticator = await second_factor_of(member, uid)
    await log_in_with(member, authenticator.code(-1))
    for query, codes in (
        # Whether there is a second factor is told only to who knows the password.
        ({"password": "wrong"}, ["resource.user.invalid_password"]),
        ({"password": PASSWORD}, ["resource.user.missing_otp_code"]),
        ({"password": PASSWORD, "otp_code": " "}, ["resource.user.empty_otp_code"]),
        (
            {"password": PASSWORD, "otp_code": authenticator.wrong_code()},
            ["resource.user.invalid_otp"],
        ),
        ({"password": PASSWORD, "otp_code": authenticator.code(-1)}, ["totp.error"]),
        (
            {"password": "wrong", "otp_code": authenticator.code()},
            ["resource.user.invalid_password"],
        ),
    ):
        answer = await delete(member, **query)
        assert (answer.status, answer.errors) == (422, codes)
    assert await state_of(member, uid) == "active"
    deleted = await delete(member, password=PASSWORD, otp_code=authenticator.code())
    assert deleted.status == 204
    assert await state_of(member, uid) == "deleted"


async def log_in_with(client: Client, code: str) -> None:
    form = {"email": client.email, "password": PASSWORD, "otp_code": code}
    assert (await client.post("identity/sessions", form)).status == 201


async def test_api_keys_end_with_the_account(member: Client, system: Installation) -> None:
    await early_in_a_step()
    uid = (await member.get(ME)).body["uid"]
    authenticator: Authenticator = await second_factor_of(member, uid)
    await log_in_with(member, authenticator.code(-1))
    form = {"algorithm": "HS256", "totp_code": authenticator.code()}
    kid = (await member.post("resource/api_keys", form)).body["kid"]
    deleted = await delete(member, password=PASSWORD, otp_code=authenticator.code(1))
    assert deleted.status == 204

    async def inactive() -> bool:
        async with resource_of(system, GATEWAY) as resource:
            return (await resource.api_key(kid)).state == "inactive"

    assert await until(inactive)


async def test_an_account_is_deleted_once(member: Client, ear: Ear) -> None:
    uid = (await member.get(ME)).body["uid"]
    answers = await asyncio.gather(*(delete(member, password=PASSWORD) for _ in range(8)))
    assert {answer.status for answer in answers} <= {204, 401}
    assert 204 in {answer.status for answer in answers}
    assert await state_of(member, uid) == "deleted"

    async def heard() -> list[str]:
        mine = [e for e in ear.events if uid in str(e.record)]
        names = [e.name for e in mine]
        return names if "system.user.account.deleted" in names else []

    names = await until(heard)
    assert names.count("system.user.account.deleted") == 1
    assert names.count("model.label.created") == 1


async def test_what_happens_to_a_deleted_account_deletes_it_no_more(
    member: Client, ear: Ear
) -> None:
    uid = (await member.get(ME)).body["uid"]
    assert (await delete(member, password=PASSWORD)).status == 204
    await put_private_label(member.system, uid, "phone", "verified")
    assert await state_of(member, uid) == "deleted"

    async def heard() -> list[str]:
        mine = [e for e in ear.events if uid in str(e.record)]
        risen = any(e.changes == {"level": 1} for e in mine)
        return [e.name for e in mine] if risen else []

    assert (await until(heard)).count("system.user.account.deleted") == 1
