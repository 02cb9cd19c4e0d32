"""GET /resource/users/activity/{topic} through the gateway."""

import json
from typing import Any

import pytest

from resource_svc.activities.models import user_number
from tests.support.client import USER_AGENT, Answer, Client
from tests.support.system import PASSWORD, Installation
from tests.support.waiting import until

PATH = "resource/users/activity"


async def listed(client: Client, topic: str, count: int, **params: Any) -> Answer:
    """The list, as soon as there is so much."""

    async def enough() -> Answer | None:
        answer = await client.get(f"{PATH}/{topic}", params=params)
        total = int(answer.headers.get("Total", "0"))
        return answer if total >= count else None

    found = await until(enough)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("topic", "params", "codes"),
    [
        ("session", {}, ["resource.user.no_activity"]),
        ("otp", {}, ["resource.user.no_activity"]),
        ("password", {}, ["resource.user.no_activity"]),
        ("nope", {}, ["resource.user.wrong_topic"]),
        ("ALL", {}, ["resource.user.wrong_topic"]),
        ("x" * 1100, {}, ["resource.user.wrong_topic"]),
        ("%20", {}, ["resource.user.empty_topic"]),
        ("all", {"page": 0}, ["non_positive_page"]),
        ("all", {"page": -1}, ["non_positive_page"]),
        ("all", {"page": "abc"}, ["non_integer_page", "non_positive_page"]),
        ("all", {"page": "1.5"}, ["non_integer_page", "non_positive_page"]),
        ("all", {"page": 10_002}, ["resource.user.page_too_deep"]),
        ("session", {"page": 10**9, "limit": 1}, ["resource.user.page_too_deep"]),
        ("all", {"limit": 0}, ["invalid_limit"]),
        ("all", {"limit": 101}, ["invalid_limit"]),
        ("all", {"limit": "abc"}, ["non_integer_limit", "invalid_limit"]),
        ("all", {"page": 0, "limit": 101}, ["non_positive_page", "invalid_limit"]),
        (
            *("all", {"page": "abc", "limit": "abc"}),
            ["non_integer_page", "non_positive_page", "non_integer_limit", "invalid_limit"],
        ),
    ],
)
async def test_refused(
    client: Client, topic: str, params: dict[str, Any], codes: list[str]
) -> None:
    await client.become_member()
    answer = await client.get(f"{PATH}/{topic}", params=params)

    assert (answer.status, answer.errors) == (422, codes)


async def test_a_user_sees_what_he_did(client: Client) -> None:
    uid = (await client.become_member()).body["uid"]
    await client.log_in(password="wrong")
    await client.log_in()
    answer = await listed(client, "all", 3)

    assert [(each["topic"], each["action"], each["result"]) for each in answer.body] == [
        ("session", "login", "succeed"),
        ("session", "login", "failed"),
        ("account", "signup", "succeed"),
    ]
    assert list(answer.body[1]) == [
        *("id", "user_id", "target_uid", "category", "user_ip", "user_agent"),
        *("topic", "action", "result", "data", "created_at"),
    ]
    assert json.loads(answer.body[1]["data"]) == {"reason": "Invalid Email or Password"}
    assert answer.body[1] | {"id": 0, "data": 0, "created_at": 0} == {
        "id": 0,
        "user_id": user_number(uid),
        "target_uid": None,
        "category": "user",
        "user_ip": "127.0.0.1",
        "user_agent": USER_AGENT,
        "topic": "session",
        "action": "login",
        "result": "failed",
        "data": 0,
        "created_at": 0,
    }
    assert {type(each["id"]) for each in answer.body} == {int}
    assert len({each["id"] for each in answer.body}) == 3
    assert {"Page": "1", "Per-Page": "100", "Total": "3"}.items() <= answer.headers.items()
    assert len(answer.body[0]["created_at"]) == len("2026-11-22T10:10:18.000Z")


async def test_by_topic_and_page_by_page(client: Client) -> None:
    await client.become_member()
    for password in ("wrong", "wrong too"):
        await client.log_in(password=password)
    sessions = await listed(client, "session", 2)
    assert {each["topic"] for each in sessions.body} == {"session"}
    [account] = (await listed(client, "account", 1)).body
    assert account["action"] == "signup"

    everything = (await listed(client, "all", 3)).body
    pages = [
        await listed(client, "all", 3, page=page, limit=1) for page in range(1, len(everything) + 1)
    ]
    assert [page.body for page in pages] == [[each] for each in everything]
    assert 'rel="next"' in pages[0].headers["Link"]
    beyond = await listed(client, "all", 3, page=7)
    assert (beyond.status, beyond.body) == (200, [])


async def test_nobody_sees_what_others_did(client: Client, system: Installation) -> None:
    await client.become_member()
    async with Client(system) as other:
        uid = (await other.become_member()).body["uid"]
        mine = await listed(other, "all", 1, uid=uid, user_id=uid)
    theirs = await listed(client, "all", 1, uid=uid, user_id=uid)

    assert {each["user_id"] for each in mine.body} == {user_number(uid)}
    assert user_number(uid) not in {each["user_id"] for each in theirs.body}


async def test_without_a_session_nothing_is_told(client: Client) -> None:
    answer = await client.get(f"{PATH}/all")
    assert (answer.status, answer.errors) == (401, ["authz.invalid_session"])


def test_a_users_number_is_one_that_javascript_can_hold() -> None:
    numbers = {user_number(f"ID{n:010X}") for n in range(1000)}
    assert len(numbers) == 1000
    assert all(0 <= number < 2**53 for number in numbers)


async def test_a_password_change_whose_confirmation_differs_is_noted(client: Client) -> None:
    await client.become_member()
    form = {"old_password": PASSWORD, "new_password": f"{PASSWORD}1", "confirm_password": PASSWORD}
    answer = await client.call("PUT", "resource/users/password", form)
    assert (answer.status, answer.errors) == (422, ["resource.password.doesnt_match"])
    (noted,) = (await listed(client, "password", 1)).body
    assert (noted["action"], noted["result"]) == ("password change", "failed")
    reason = json.loads(noted["data"])["reason"]
    assert reason == "New password and its confirmation are not the same"
