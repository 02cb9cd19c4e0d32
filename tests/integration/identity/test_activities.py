"""What users do about their accounts, as it reaches the audit log."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.authenticator import (
    Authenticator,
    early_in_a_step,
    forget_used_codes,
    second_factor_of,
)
from tests.support.client import USER_AGENT, Client
from tests.support.events import WRITTEN, Ear
from tests.support.internal import tables_of_identity
from tests.support.system import PASSWORD, Installation
from tests.support.waiting import until

OTHER = "Qu1te-another-passphrase"


@pytest.fixture
async def uid(client: Client) -> str:
    """A member's."""
    return str((await client.become_member()).body["uid"])


async def activities(admin: Client, uid: str, count: int) -> list[dict[str, Any]]:
    """All of a user, the oldest first, as soon as there are so many."""

    async def enough() -> list[dict[str, Any]]:
        answer = await admin.get("admin/activities", params={"uid": uid})
        found: list[dict[str, Any]] = answer.body
        return found[::-1] if len(found) >= count else []

    return await until(enough)


async def actions(admin: Client, uid: str, count: int) -> list[tuple[str, ...]]:
    """Topics, actions and results, and the reasons of what failed."""
    found = await activities(admin, uid, count)
    assert len(found) == count
    return [
        (each["topic"], each["action"], each["result"], *_reasons(each["data"])) for each in found
    ]


def _reasons(data: str | None) -> list[str]:
    return [] if data is None else list(json.loads(data).values())


SIGNED_UP = ("account", "signup", "succeed")


async def test_log_in_and_log_out(admin: Client, client: Client, uid: str) -> None:
    assert (await client.log_in(password="wrong")).status == 401
    assert (await client.log_in()).status == 201
    assert (await client.call("DELETE", "identity/sessions")).status == 204

    assert await actions(admin, uid, 4) == [
        SIGNED_UP,
        ("session", "login", "failed", "Invalid Email or Password"),
        ("session", "login", "succeed"),
        ("session", "logout", "succeed"),
    ]
    for each in await activities(admin, uid, 4):
        assert (each["user_ip"], each["user_agent"]) == ("127.0.0.1", USER_AGENT)
        assert (each["user"]["uid"], each["user"]["email"]) == (uid, client.email)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("banned", "Your account is banned"),
        ("deleted", "Your account is deleted"),
        ("locked", "Your account is not active"),
    ],
)
async def test_a_state_that_forbids_a_session(
    admin: Client, client: Client, uid: str, system: Installation, state: str, reason: str
) -> None:
    async with tables_of_identity(system) as tables:
        await tables.execute("UPDATE users SET state = $2 WHERE uid = $1", uid, state)
    assert (await client.log_in()).status == 401

    assert await actions(admin, uid, 2) == [SIGNED_UP, ("session", "login", "failed", reason)]


async def test_the_second_factor(admin: Client, client: Client, uid: str) -> None:
    made = await client.post("resource/otp/generate_qrcode")
    authenticator = Authenticator(_secret(made.body["data"]["url"]))
    wrong = authenticator.wrong_code()
    log_in = {"email": client.email, "password": PASSWORD}

    async def tried(path: str, form: Mapping[str, str], name: str = "code") -> None:
        assert (await client.post(path, {**form, name: wrong})).status >= 400
        await forget_used_codes(client, uid)
        assert (await client.post(path, {**form, name: authenticator.code()})).status < 300
        await forget_used_codes(client, uid)

    await tried("resource/otp/enable", {})
    assert (await client.post("resource/otp/generate_qrcode")).status >= 400
    await tried("resource/otp/verify", {})
    assert (await client.post("identity/sessions", log_in)).status == 401
    await tried("identity/sessions", log_in, "otp_code")
    await tried("resource/otp/disable", {})

    invalid = ("failed", "OTP code is invalid")
    with_code = ("session", "login::2fa")
    assert await actions(admin, uid, 12) == [
        SIGNED_UP,
        ("otp", "request QR code for 2FA", "succeed"),
        ("otp", "enable 2FA", *invalid),
        ("otp", "enable 2FA", "succeed"),
        ("otp", "request QR code for 2FA", "failed", "2FA is enabled already"),
        ("otp", "verify 2FA code", *invalid),
        ("otp", "verify 2FA code", "succeed"),
        (*with_code, "failed", "The account has enabled 2FA but OTP code is missing"),
        (*with_code, *invalid),
        (*with_code, "succeed"),
        ("otp", "disable 2FA", *invalid),
        ("otp", "disable 2FA", "succeed"),
    ]


def _secret(url: str) -> str:
    return parse_qs(urlsplit(url).query)["secret"][0]


async def test_a_used_code(admin: Client, client: Client, uid: str) -> None:
    authenticator = await second_factor_of(client, uid)
    log_in = {"email": client.email, "password": PASSWORD, "otp_code": authenticator.code()}
    assert (await client.post("identity/sessions", log_in)).status == 201
    await forget_used_codes(client, uid)
    await early_in_a_step()
    form = {"code": authenticator.code()}
    assert (await client.post("resource/otp/verify", form)).status < 300
    assert (await client.post("resource/otp/verify", form)).status >= 400

    assert (await actions(admin, uid, 6))[-1] == (
        *("otp", "verify 2FA code", "failed"),
        "OTP code was used before",
    )


async def test_password_change(admin: Client, client: Client, uid: str) -> None:
    async def change(old: str, new: str) -> int:
        form = {"old_password": old, "new_password": new, "confirm_password": new}
        return (await client.call("PUT", "resource/users/password", form)).status

    assert await change("wrong", OTHER) == 400
    assert await change(PASSWORD, PASSWORD) == 400
    assert await change(PASSWORD, "short") == 422
    assert await change(PASSWORD, OTHER) == 201

    change_of = ("password", "password change")
    assert await actions(admin, uid, 5) == [
        SIGNED_UP,
        (*change_of, "failed", "Previous password is not correct"),
        (*change_of, "failed", "New password is the same as the old one"),
        (*change_of, "failed", "Password requirements"),
        (*change_of, "succeed"),
    ]


async def test_password_reset(admin: Client, client: Client, uid: str) -> None:
    confirmation = await client.mailed_token()
    path = "identity/users/password"
    assert (await client.post(f"{path}/generate_code", {"email": client.email})).status == 201

    async def another() -> str:
        token = await client.mailed_token()
        return token if token != confirmation else ""

    token = await until(another)

    async def reset(password: str) -> int:
        form = {"reset_password_token": token}
        form |= {"password": password, "confirm_password": password}
        return (await client.post(f"{path}/confirm_code", form)).status

    assert await reset("short") == 422
    assert await reset(OTHER) == 201
    assert await reset(PASSWORD) == 422

    reset_of = ("password", "password reset")
    assert await actions(admin, uid, 5) == [
        SIGNED_UP,
        ("password", "request password reset", "succeed"),
        (*reset_of, "failed", "Password requirements"),
        (*reset_of, "succeed"),
        (*reset_of, "failed", "The token was utilized"),
    ]


async def test_what_is_refused_to_nobody_leaves_nothing_but_costs_as_much(
    client: Client, uid: str, system: Installation
) -> None:
    async with tables_of_identity(system) as tables:
        written = f"SELECT count(*) FROM {WRITTEN} WHERE name = 'system.activity.recorded'"
        decoys = f"{written} AND record = '{{}}' AND published_at IS NOT NULL"
        before, decoys_before = await tables.fetchval(written), await tables.fetchval(decoys)
        form = {"email": f"nobody-{uid}@example.com", "password": PASSWORD}
        assert (await client.post("identity/sessions", form)).status == 401

        assert await tables.fetchval(written) == before + 1
        assert await tables.fetchval(decoys) == decoys_before + 1
        query = f"SELECT count(*) FROM {WRITTEN} WHERE record::text LIKE '%nobody-' || $1 || '%'"
        assert not await tables.fetchval(query, uid)


async def test_no_secret_reaches_the_log(
    admin: Client, client: Client, uid: str, system: Installation
) -> None:
    await client.log_in(password="wrong-" + OTHER)
    await client.log_in()
    async with tables_of_identity(system) as tables:
        rows = await tables.fetch(
            f"SELECT record::text AS text FROM {WRITTEN} WHERE record ->> 'uid' = $1", uid
        )

    assert len(rows) >= 3
    for row in rows:
        assert client.cookie not in row["text"]
        assert OTHER not in row["text"]
        assert PASSWORD not in row["text"]


async def test_it_is_an_event_like_any_other(client: Client, ear: Ear, uid: str) -> None:
    async def heard() -> list[Mapping[str, Any]]:
        mine = [event for event in ear.events if event.record.get("uid") == uid]
        return [event.record for event in mine if event.name == "system.activity.recorded"]

    [record] = await until(heard)
    assert {name: record[name] for name in ("category", "topic", "action", "result", "data")} == {
        "category": "user",
        "topic": "account",
        "action": "signup",
        "result": "succeed",
        "data": None,
    }
