"""GET /admin/users through the gateway."""

import time
from typing import Any

import pytest

from tests.support.client import Answer, Client
from tests.support.waiting import until

REFUSED: list[tuple[dict[str, Any], list[str]]] = [
    ({"page": "0"}, ["non_positive_page"]),
    ({"page": "-1"}, ["non_positive_page"]),
    ({"page": "abc"}, ["non_integer_page", "non_positive_page"]),
    ({"limit": "101"}, ["invalid_limit"]),
    ({"limit": "0"}, ["invalid_limit"]),
    ({"limit": "-1"}, ["invalid_limit"]),
    ({"limit": "abc"}, ["non_integer_limit", "invalid_limit"]),
    ({"page": "0", "limit": "0"}, ["non_positive_page", "invalid_limit"]),
    (
        {"page": "x", "limit": "y"},
        ["non_integer_page", "non_positive_page", "non_integer_limit", "invalid_limit"],
    ),
    ({"extended": "foo"}, ["admin.user.non_boolean_extended"]),
    ({"level": "abc"}, ["invalid"]),
    ({"level": "1.5"}, ["invalid"]),
    ({"from": "abc"}, ["invalid"]),
    ({"to": "abc"}, ["invalid"]),
    ({"range": "deleted"}, ["admin.user.invalid_range"]),
    ({"range": ""}, ["admin.user.invalid_range"]),
]


@pytest.mark.parametrize(("params", "codes"), REFUSED)
async def test_refused(admin: Client, params: dict[str, Any], codes: list[str]) -> None:
    answer = await admin.get("admin/users", params=params)

    assert (answer.status, answer.errors) == (422, codes)


async def test_a_user_is_found_by_what_he_is(admin: Client, client: Client) -> None:
    begun = int(time.time())
    uid = (await client.become_member()).body["uid"]

    async def active() -> Answer | None:
        answer = await admin.get("admin/users", params={"uid": uid, "state": "active"})
        return answer if answer.body else None

    found = await until(active)
    assert found is not None
    assert (found.status, found.headers["Total"], found.headers["Per-Page"]) == (200, "1", "100")
    assert list(found.body[0]) == [
        *("email", "uid", "role", "level", "otp", "state", "referral_uid", "data"),
    ]
    for params in (
        {"email": client.email.upper()},
        {"uid": uid, "role": "member", "level": "1", "state": "active"},
        {"uid": uid, "from": str(begun), "to": str(begun + 60), "range": "updated"},
        {"uid": uid, "from": str(begun), "extended": "true"},
        {"uid": uid, "email": "", "role": "", "level": "", "from": ""},
    ):
        answer = await admin.get("admin/users", params=params)
        assert [user["uid"] for user in answer.body] == [uid], params
    for params in (
        {"uid": uid, "role": "admin"},
        {"uid": uid, "level": "0"},
        {"uid": uid, "to": str(begun)},
        {"uid": uid, "from": str(begun + 60), "range": "updated"},
    ):
        answer = await admin.get("admin/users", params=params)
        assert (answer.body, answer.headers["Total"]) == ([], "0"), params


async def test_users_looked_for_by_their_last_change_come_in_its_order(
    admin: Client, client: Client
) -> None:
    begun = int(time.time())
    first = (await client.sign_up()).body["uid"]
    token = await client.mailed_token()
    second = (await client.sign_up()).body["uid"]

    async def order(**params: str) -> list[str]:
        answer = await admin.get("admin/users", params={"from": str(begun), **params})
        return [user["uid"] for user in answer.body if user["uid"] in (first, second)]

    async def both() -> bool:
        return await order() == [first, second]

    assert await until(both)
    confirmed = await client.post("identity/users/email/confirm_code", {"token": token})
    assert confirmed.status == 201

    async def turned() -> bool:
        return await order(range="updated") == [second, first]

    assert await until(turned)
    assert await both()
