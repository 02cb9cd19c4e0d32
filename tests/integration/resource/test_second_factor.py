"""/resource/otp, through the gateway, and the label that tells of it."""

import asyncio
import base64
import struct
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.authenticator import (
    Authenticator,
    early_in_a_step,
    forget_used_codes,
    second_factor_of,
)
from tests.support.client import Answer, Client
from tests.support.events import Ear
from tests.support.internal import (
    AT_HOME,
    identity_of,
    tables_of_identity,
    tables_of_resource,
)
from tests.support.system import PASSWORD, Installation
from tests.support.waiting import until

OTP, ME = "resource/otp", "resource/users/me"
NO_CODE = ["resource.otp.missing_code", "resource.otp.empty_code"]
ON, OFF = (["resource.otp.already_enabled"], ["resource.otp.not_enabled"])
WRONG, USED = ["resource.otp.invalid"], ["totp.error"]


async def give(client: Client, operation: str, code: object) -> Answer:
    return await client.post(f"{OTP}/{operation}", json={"code": code})


async def scan(client: Client) -> Authenticator:
    """An authenticator that has seen the QR code."""
    made = await client.post(f"{OTP}/generate_qrcode")
    assert made.status == 201
    (secret,) = parse_qs(urlsplit(made.body["data"]["url"]).query)["secret"]
    return Authenticator(secret)


async def turn_on(client: Client) -> Authenticator:
    """Turns the second factor on; the code of this moment still counts afterwards."""
    authenticator = await scan(client)
    on = await give(client, "enable", authenticator.code())
    assert on.status == 201
    await forget_used_codes(client, on.body["uid"])
    return authenticator


async def labels_of(client: Client) -> dict[str, str]:
    return {label["key"]: label["value"] for label in (await client.get("resource/labels")).body}


@pytest.mark.parametrize("operation", ["enable", "disable", "verify"])
@pytest.mark.parametrize(
    ("body", "status", "codes"),
    [
        ({}, 400, NO_CODE),
        ({"code": ""}, 400, NO_CODE[1:]),
        ({"code": "   "}, 400, NO_CODE[1:]),
        ({"code": None}, 400, NO_CODE[1:]),
        ({"code": ["1"]}, 422, ["invalid"]),
        ({"code": True}, 422, ["invalid"]),
        ({"code": "1" * 1025}, 422, ["invalid"]),
        ({"code": "\x07"}, 422, ["invalid"]),
    ],
)
async def test_a_code_is_asked_for(
    shared_member: Client, operation: str, body: dict[str, Any], status: int, codes: list[str]
) -> None:
    answer = await shared_member.post(f"{OTP}/{operation}", json=body)
    assert (answer.status, answer.errors) == (status, codes)


async def test_while_it_is_off(shared_member: Client) -> None:
    for operation, status, codes in (
        ("enable", 422, WRONG),  # there is no secret yet
        ("disable", 400, OFF),
        ("verify", 400, ON),  # Barong's word for it
    ):
        answer = await give(shared_member, operation, "123456")
        assert (answer.status, answer.errors) == (status, codes)


async def test_a_qr_code(member: Client) -> None:
    made = await member.post(f"{OTP}/generate_qrcode")
    assert (made.status, list(made.body), list(made.body["data"])) == (
        201,
        ["data"],
        ["barcode", "url"],
    )
    url = urlsplit(made.body["data"]["url"])
    assert (url.scheme, url.netloc, url.path) == ("otpauth", "totp", f"/Barong:{member.email}")
    image = base64.b64decode(made.body["data"]["barcode"], validate=True)
    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", image[16:24])
    assert width == height > 100
    assert made.headers["Cache-Control"] == "no-store"
    other = await member.post(f"{OTP}/generate_qrcode")
    assert other.body["data"]["url"] != made.body["data"]["url"]
    assert other.body["data"]["barcode"] != made.body["data"]["barcode"]
    old, new = (
        Authenticator(parse_qs(urlsplit(each.body["data"]["url"]).query)["secret"][0])
        for each in (made, other)
    )
    refused = await give(member, "enable", old.code())
    assert (refused.status, refused.errors) == (422, WRONG)
    assert (await give(member, "enable", new.code())).status == 201


async def test_it_is_turned_on_asked_for_and_turned_off(member: Client) -> None:
    await early_in_a_step()
    authenticator = await scan(member)
    wrong = await give(member, "enable", authenticator.wrong_code())
    assert (wrong.status, wrong.errors) == (422, WRONG)
    assert await labels_of(member) == {"email": "verified"}

    on = await give(member, "enable", f" {authenticator.code(-1)} ")
    assert (on.status, on.body["otp"], on.body["level"]) == (201, True, 1)
    assert [label["key"] for label in on.body["labels"]] == ["email", "otp"]
    assert on.body == (await member.get(ME)).body
    for operation, status, codes in (("enable", 400, ON), ("generate_qrcode", 400, ON)):
        answer = await give(member, operation, authenticator.code())
        assert (answer.status, answer.errors) == (status, codes)

    for code in (authenticator.wrong_code(), authenticator.code(-2)):
        for operation in ("verify", "disable"):
            answer = await give(member, operation, code)
            assert (answer.status, answer.errors) == (422, WRONG)
    verified = await give(member, "verify", authenticator.code())
    assert (verified.status, verified.body) == (201, "")
    for operation in ("verify", "disable"):
        used = await give(member, operation, authenticator.code())
        assert (used.status, used.errors) == (422, USED)

    off = await give(member, "disable", authenticator.code(1))
    assert (off.status, off.body["otp"]) == (201, False)
    assert [label["key"] for label in off.body["labels"]] == ["email"]
    again = await give(member, "disable", authenticator.code(1))
    assert (again.status, again.errors) == (400, OFF)


async def test_a_code_counts_once_however_often_it_is_given(member: Client) -> None:
    await early_in_a_step()
    authenticator = await turn_on(member)
    code = authenticator.code()
    answers = await asyncio.gather(*(give(member, "verify", code) for _ in range(10)))
    assert sorted(answer.status for answer in answers) == [201] + [422] * 9
    assert {code for a in answers if a.status == 422 for code in a.errors} == set(USED)


async def test_turned_on_many_times_at_once_it_is_on_once(member: Client, ear: Ear) -> None:
    await early_in_a_step()
    authenticator = await scan(member)
    code = authenticator.code()
    answers = await asyncio.gather(*(give(member, "enable", code) for _ in range(8)))
    assert sorted(answer.status for answer in answers) == [201] + [400] * 7
    assert await labels_of(member) == {"email": "verified", "otp": "enabled"}

    async def heard() -> list[Any]:
        mine = [e for e in ear.events if e.record.get("key") == "otp"]
        return [e for e in mine if e.record["user"]["email"] == member.email]

    assert [event.name for event in await until(heard)] == ["model.label.created"]


async def test_sessions_opened_without_a_code_end(member: Client, system: Installation) -> None:
    async with Client(system) as other:
        await other.log_in(member.email)
        assert (await other.get(ME)).status == 200
        authenticator = await turn_on(member)

        async def refused() -> bool:
            return (await other.get(ME)).status == 401

        assert await until(refused)
        without = await other.log_in(member.email)
        assert (without.status, without.errors) == (401, ["identity.session.missing_otp"])
        form = {"email": member.email, "password": PASSWORD, "otp_code": authenticator.code()}
        assert (await other.post("identity/sessions", form)).body["otp"]
        assert (await member.get(ME)).status == 200

        await forget_used_codes(member, (await member.get(ME)).body["uid"])
        assert (await give(member, "disable", authenticator.code())).status == 201
        assert (await other.get(ME)).status == 200


async def test_the_label_follows_whoever_turns_it_on_and_off(
    member: Client, system: Installation, ear: Ear
) -> None:
    uid = (await member.get(ME)).body["uid"]
    authenticator = await second_factor_of(member, uid)  # past resource-svc: the event tells

    async def names(*expected: str) -> bool:
        async with tables_of_resource(system) as tables:
            rows = await tables.fetch(
                "SELECT key, value FROM labels WHERE uid = $1 AND key = 'otp'", uid
            )
        return [f"{row['key']}:{row['value']}" for row in rows] == list(expected)

    assert await until(lambda: names("otp:enabled"))
    async with identity_of(system) as identity:
        await identity.disable_second_factor(uid, authenticator.code(), AT_HOME)
    assert await until(names)

    async def heard() -> list[str]:
        mine = [e for e in ear.events if e.record.get("key") == "otp" and e.id in ear.legacy]
        told = [e.name for e in mine if e.record["user"]["uid"] == uid]
        return told if len(told) == 2 else []

    assert await until(heard) == ["model.label.created", "model.label.deleted"]


async def test_the_newest_that_is_known_decides(
    member: Client, system: Installation, ear: Ear
) -> None:
    uid = (await member.get(ME)).body["uid"]
    async with tables_of_resource(system) as tables:
        # As if a later event had come first: the second factor is off again.
        await tables.execute("UPDATE users SET version = version + 100 WHERE uid = $1", uid)
        await second_factor_of(member, uid)

        async def handled() -> bool:
            mine = [e for e in ear.events if e.record.get("uid") == uid]
            told = [e.id for e in mine if e.changes == {"otp": False}]
            return bool(
                await tables.fetchval("SELECT true FROM inbox WHERE event_id = ANY($1)", told)
            )

        assert await until(handled)
        labels = await tables.fetch("SELECT key FROM labels WHERE uid = $1", uid)
    assert [row["key"] for row in labels] == ["email"]


# It is made and turned on by whoever showed just now who they are.


async def age(client: Client, uid: str) -> None:
    """Whoever uses these sessions was verified too long ago."""
    async with tables_of_identity(client.system) as tables:
        await tables.execute(
            "UPDATE sessions SET auth_time = auth_time - interval '601 seconds' WHERE uid = $1", uid
        )


def asks_to_verify(answer: Answer) -> bool:
    return (answer.status, answer.errors) == (
        401,
        ["authz.insufficient_user_authentication"],
    ) and 'max_age="600"' in answer.headers["WWW-Authenticate"]


async def test_a_session_that_was_left_open_makes_none(member: Client) -> None:
    uid = (await member.get(ME)).body["uid"]
    await age(member, uid)
    assert asks_to_verify(await member.post(f"{OTP}/generate_qrcode"))
    async with tables_of_identity(member.system) as tables:
        assert not await tables.fetch("SELECT FROM second_factors WHERE uid = $1", uid)
    assert (await member.post("resource/sessions/verify", {"password": PASSWORD})).status == 201
    authenticator = await scan(member)
    await age(member, uid)  # the QR code was asked for in time: there is no second question
    assert (await give(member, "enable", authenticator.code())).status == 201


async def test_a_session_that_was_left_open_turns_none_on(member: Client) -> None:
    """Neither that of a secret from another session, nor an old one of its own."""
    uid = (await member.get(ME)).body["uid"]
    async with Client(member.system) as elsewhere:
        assert (await elsewhere.log_in(member.email)).status == 201
        authenticator = await scan(elsewhere)
        await age(member, uid)
        assert asks_to_verify(await give(member, "enable", authenticator.code()))
        async with tables_of_identity(member.system) as tables:
            await tables.execute(
                "UPDATE second_factors SET created_at = created_at - interval '601 seconds'"
                " WHERE uid = $1",
                uid,
            )
        assert asks_to_verify(await give(elsewhere, "enable", authenticator.code()))
        assert (await member.get(ME)).body["otp"] is False
        verified = await elsewhere.post("resource/sessions/verify", {"password": PASSWORD})
        assert verified.status == 201
        assert (await give(elsewhere, "enable", authenticator.code())).status == 201


async def test_what_is_on_is_replaced_with_its_code_only(member: Client) -> None:
    authenticator = await turn_on(member)
    for operation in ("generate_qrcode", "enable"):
        answer = await give(member, operation, authenticator.wrong_code())
        assert (answer.status, answer.errors) == (400, ON)
    wrong = await give(member, "disable", authenticator.wrong_code())
    assert (wrong.status, wrong.errors) == (422, WRONG)
    assert (await give(member, "disable", authenticator.code())).status == 201
    assert (await turn_on(member)).secret != authenticator.secret
