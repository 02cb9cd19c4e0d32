"""The thread: from sign-up to log-out, through the gateway, with everything real."""

import asyncio

import pytest

from tests.support.client import Answer, Client
from tests.support.events import Ear
from tests.support.system import SUPERADMIN, Installation
from tests.support.waiting import until


async def test_sign_up_makes_a_pending_user_with_a_session(client: Client) -> None:
    answer = await client.sign_up(data='{"language": "en"}')
    assert answer.status == 201
    assert answer.body | {"uid": "", "created_at": "", "updated_at": "", "csrf_token": ""} == {
        "email": client.email,
        "uid": "",
        "role": "member",
        "level": 0,
        "otp": False,
        "state": "pending",
        "referral_uid": None,
        "csrf_token": "",
        "data": '{"language": "en"}',
        "created_at": "",
        "updated_at": "",
        "labels": [],
        "phones": [],
        "profiles": [],
        "data_storages": [],
    }
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert (await client.get("resource/users/me")).body["uid"] == answer.body["uid"]


async def test_confirmation_shows_its_effect_in_its_own_answer(client: Client) -> None:
    await client.sign_up()
    answer = await client.confirm()
    assert answer.status == 201
    assert (answer.body["state"], answer.body["level"]) == ("active", 1)
    (label,) = answer.body["labels"]
    assert (label["key"], label["value"], label["scope"]) == ("email", "verified", "private")


async def test_a_confirmation_token_works_once(client: Client) -> None:
    await client.sign_up()
    token = await client.mailed_token()
    path, form = "identity/users/email/confirm_code", {"token": token}
    answers = await asyncio.gather(*(client.post(path, form) for _ in range(50)))
    assert sorted(answer.status for answer in answers) == [201] + [422] * 49
    assert {code for a in answers if a.status == 422 for code in a.errors} == {
        "identity.user.utilized_token"
    }


async def test_one_address_makes_one_account(client: Client) -> None:
    email = "fifty@example.com"
    answers = await asyncio.gather(
        *(client.sign_up(email=email if n % 2 else email.upper()) for n in range(50))
    )
    assert sorted(answer.status for answer in answers) == [201] + [422] * 49
    assert all(answer.errors == ["email.taken"] for answer in answers if answer.status == 422)


async def test_login_opens_a_new_session(client: Client) -> None:
    await client.become_member()
    before = client.cookie
    answer = await client.log_in()
    assert answer.status == 201
    assert client.cookie != before
    assert answer.body["csrf_token"] == client.csrf_token
    assert [label["key"] for label in answer.body["labels"]] == ["email"]


@pytest.mark.parametrize(
    ("email", "password"), [("nobody@example.com", "x"), ("", ""), (SUPERADMIN, "wrong")]
)
async def test_wrong_credentials_are_told_apart_by_nobody(
    client: Client, email: str, password: str
) -> None:
    form = {"email": email, "password": password}
    answer = await client.post("identity/sessions", form)
    assert (answer.status, answer.errors) == (401, ["identity.session.invalid_params"])


async def test_the_bearer_of_a_login_is_as_good_as_its_cookie(
    client: Client, system: Installation
) -> None:
    await client.become_member()
    bearer = (await client.log_in()).headers["Authorization"]
    async with Client(system) as other:
        seen = await other.get("resource/users/me", headers={"Authorization": bearer})
        assert (seen.status, seen.body["email"]) == (200, client.email)
        await client.call("DELETE", "identity/sessions")

        async def refused() -> bool:
            answer = await other.get("resource/users/me", headers={"Authorization": bearer})
            return answer.status == 401 and answer.errors == ["jwt.decode_and_verify"]

        assert await until(refused)


async def test_a_member_adds_a_label_and_sees_it(client: Client) -> None:
    await client.become_member()
    added = await client.post("resource/labels", {"key": "Color", "value": "Blue"})
    assert (added.status, added.body["key"], added.body["value"]) == (201, "color", "blue")
    labels = (await client.get("resource/labels")).body
    assert [(label["key"], label["scope"]) for label in labels] == [
        ("email", "private"),
        ("color", "public"),
    ]


async def test_a_write_with_a_cookie_needs_the_csrf_token(client: Client) -> None:
    await client.become_member()
    form = {"key": "color", "value": "blue"}
    client.csrf_token = ""
    missing = await client.post("resource/labels", form)
    assert (missing.status, missing.errors) == (401, ["authz.missing_csrf_token"])
    client.csrf_token = "undefined"
    wrong = await client.post("resource/labels", form)
    assert (wrong.status, wrong.errors) == (401, ["authz.csrf_token_mismatch"])


async def test_the_superadmin_finds_the_user(client: Client, admin: Client) -> None:
    uid = (await client.become_member()).body["uid"]

    async def found() -> Answer | None:
        answer = await admin.get("admin/users", params={"uid": uid})
        return answer if [user["state"] for user in answer.body] == ["active"] else None

    answer = await until(found)
    assert answer is not None
    assert answer.headers["Total"] == "1"
    assert answer.body == [
        {
            "email": client.email,
            "uid": uid,
            "role": "member",
            "level": 1,
            "otp": False,
            "state": "active",
            "referral_uid": None,
            "data": None,
        }
    ]


async def test_a_member_is_refused_in_admin(client: Client) -> None:
    await client.become_member()
    answer = await client.get("admin/users")
    assert (answer.status, answer.errors) == (401, ["authz.invalid_permission"])


@pytest.mark.parametrize("prefix", ["/api/v2/barong/", "/api/v2/"])
async def test_every_alias_is_one_path(client: Client, prefix: str) -> None:
    await client.become_member()
    assert (await client.get(f"{prefix}resource/users/me")).status == 200
    assert (await client.get(f"{prefix}admin/users")).status == 401


async def test_after_logout_nothing_is_left(client: Client, system: Installation) -> None:
    await client.become_member()
    cookie = client.cookie
    answer = await client.call("DELETE", "identity/sessions")
    assert (answer.status, answer.body, client.cookie) == (204, "", "")
    async with Client(system) as thief:
        headers = {"Cookie": f"_barong_session={cookie}"}

        async def refused() -> bool:
            got = await thief.get("resource/users/me", headers=headers)
            return got.status == 401 and got.errors == ["authz.invalid_session"]

        assert await until(refused)
    again = await client.call("DELETE", "identity/sessions")
    assert (again.status, again.errors) == (404, ["identity.session.not_found"])


async def test_the_events_of_the_thread(client: Client, ear: Ear) -> None:
    await client.become_member()
    await client.post("resource/labels", {"key": "color", "value": "blue"})
    await client.log_in()
    expected = [
        "model.user.created",
        "system.user.email.confirmation.token",
        "system.user.email.confirmed",
        "model.label.created",
        "model.user.updated",
        "model.label.created",
        "system.session.create",
    ]
    heard = await ear.of(client.email, len(expected))
    assert sorted(event.name for event in heard) == sorted(expected)
    by_name = {event.name: event for event in heard}
    created = by_name["model.user.created"].record
    assert set(created) == {
        "uid", "email", "role", "level", "otp", "state", "created_at", "updated_at",
    }  # fmt: skip
    assert by_name["model.user.updated"].changes == {"state": "pending", "level": 0}
    confirmed = by_name["system.user.email.confirmed"].record["user"]
    assert (confirmed["state"], confirmed["level"]) == ("active", 1)
    assert by_name["system.user.email.confirmation.token"].record["token"].count(".") == 2
    assert by_name["model.label.created"].record["user"]["email"] == client.email
    assert ear.legacy >= {event.id for event in heard}
