"""/resource/profiles, through the gateway."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from tests.support.client import Client
from tests.support.events import Ear
from tests.support.internal import put_private_label
from tests.support.system import Installation

PROFILES, ME = "resource/profiles", "resource/profiles/me"
FULL = {
    "first_name": "John",
    "last_name": "Doe",
    "dob": "1990-01-31",
    "address": "1 High St.",
    "postcode": "AB-1 2CD",
    "city": "Kyiv",
    "country": "UA",
    "metadata": '{"nested":{"x":1}}',
}
NO_COUNTRY = "country.must have alpha2 or alpha3 format"
TIMES = {"created_at": "", "updated_at": ""}
LONG = "x" * 256

REFUSED: list[tuple[dict[str, str], list[str]]] = [
    ({"first_name": "J@hn"}, ["first_name.invalid"]),
    ({"first_name": '"'}, ["first_name.invalid"]),
    ({"first_name": LONG}, ["first_name.too_long"]),
    ({"last_name": "D@e"}, ["last_name.invalid"]),
    ({"last_name": LONG}, ["last_name.too_long"]),
    ({"dob": "nope"}, ["invalid"]),
    ({"dob": "1990-13-45"}, ["invalid"]),
    ({"dob": "45/13/1990"}, ["invalid"]),
    ({"dob": "01/31/1990"}, ["invalid"]),
    ({"dob": "31.01.1990"}, ["invalid"]),
    ({"dob": "1990-1-31"}, ["invalid"]),
    ({"dob": "2990-01-31"}, ["dob.invalid"]),
    ({"dob": "0001-01-01"}, ["dob.invalid"]),
    ({"address": "a\u202eb"}, ["address.invalid"]),
    ({"address": "a\x07"}, ["address.invalid"]),
    ({"address": LONG}, ["address.too_long"]),
    ({"postcode": "1"}, ["postcode.too_short"]),
    ({"postcode": "a.b"}, ["postcode.invalid"]),
    ({"postcode": "."}, ["postcode.too_short", "postcode.invalid"]),
    ({"postcode": LONG}, ["postcode.too_long"]),
    ({"city": "K\ue000v"}, ["city.invalid"]),
    ({"city": "a\u202eb"}, ["city.invalid"]),
    ({"city": LONG}, ["city.too_long"]),
    ({"country": "XX"}, [NO_COUNTRY]),
    ({"country": "Ukraine"}, [NO_COUNTRY]),
    ({"country": "1"}, [NO_COUNTRY]),
    ({"metadata": "nojson"}, ["metadata.invalid_format"]),
    ({"metadata": ""}, ["metadata.invalid_format"]),
    ({"metadata": "NaN"}, ["metadata.invalid_format"]),
    ({"metadata": f'"{"x" * 65_535}"'}, ["metadata.too_long"]),
    (
        {
            "first_name": "J@hn",
            "last_name": "D@e",
            "address": "a\u202eb",
            "postcode": "1",
            "city": "K\u202ev",
            "country": "XX",
            "metadata": "nojson",
        },
        [
            *("first_name.invalid", "last_name.invalid", "city.invalid", NO_COUNTRY),
            *("postcode.too_short", "address.invalid", "metadata.invalid_format"),
        ],
    ),
    ({"confirm": "maybe"}, ["invalid"]),
    ({"first_name": "a\x01b"}, ["first_name.invalid"]),
    ({"metadata": '"\x1b"'}, ["metadata.invalid_format"]),
]
HOSTILE: list[Any] = [[], {}, ["x"], {"x": 1}, "\ud800", "\x00", "\u202ea"]


@pytest.fixture(scope="module")
async def drafter(system: Installation) -> AsyncIterator[Client]:
    """A member with a draft that nobody changes."""
    async with Client(system) as made:
        await made.become_member()
        assert (await made.post(PROFILES, FULL)).status == 201
        yield made


async def private_labels_of(client: Client) -> dict[str, str]:
    labels = (await client.get("resource/labels")).body
    return {label["key"]: label["value"] for label in labels if label["scope"] == "private"}


async def judge(client: Client, state: str) -> None:
    """What an administrator will do."""
    dsn = client.system.environments["resource"]["DATABASE_URL"]
    connection = await asyncpg.connect(dsn, server_settings={"search_path": "resource"})
    await connection.execute(
        """
        UPDATE profiles
        SET state = $2
        WHERE state IN ('drafted', 'submitted') AND uid = $1
        """,
        (await client.get("resource/users/me")).body["uid"],
        state,
    )
    await connection.close()


async def test_who_has_no_profile(shared_member: Client) -> None:
    answer = await shared_member.get(ME)
    assert (answer.status, answer.errors) == (404, ["resource.profile.not_exist"])
    answer = await shared_member.call("PUT", PROFILES, FULL)
    expected = (404, ["resource.profile.doesnt_exist_or_not_editable"])
    assert (answer.status, answer.errors) == expected
    assert (await shared_member.get("resource/users/me")).body["profiles"] == []


@pytest.mark.parametrize(("form", "errors"), REFUSED)
async def test_what_no_profile_may_hold(
    shared_member: Client, drafter: Client, form: dict[str, str], errors: list[str]
) -> None:
    answer = await shared_member.post(PROFILES, FULL | form)
    assert (answer.status, answer.errors) == (422, errors)
    answer = await drafter.call("PUT", PROFILES, form)
    assert (answer.status, answer.errors) == (422, errors)
    (kept,) = (await drafter.get(ME)).body
    assert kept | TIMES == {**FULL, **TIMES, "state": "drafted"}


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("name", [*FULL, "confirm"])
async def test_nothing_hostile_is_taken(drafter: Client, name: str, value: object) -> None:
    answer = await drafter.call("PUT", PROFILES, json={name: value})
    assert answer.status in (400, 422), (name, value)


async def test_a_draft_is_edited_and_submitted(member: Client) -> None:
    made = await member.post(PROFILES, {"city": "Lviv", "first_name": " "})
    assert (made.status, made.body | TIMES) == (
        201,
        {
            **dict.fromkeys(FULL, None),
            "first_name": "",
            "city": "Lviv",
            "state": "drafted",
            **TIMES,
        },
    )
    assert list(made.body) == [
        *("first_name", "last_name", "dob", "address", "postcode", "city", "country"),
        *("state", "metadata", "created_at", "updated_at"),
    ]
    assert await private_labels_of(member) == {"email": "verified", "profile": "drafted"}

    changed = await member.call("PUT", PROFILES, {"last_name": " van  der\tBerg ", "dob": ""})
    assert changed.status == 200
    assert (changed.body["last_name"], changed.body["city"]) == ("van der Berg", "Lviv")

    submitted = await member.call("PUT", PROFILES, {**FULL, "confirm": "true"})
    assert (submitted.status, submitted.body | TIMES) == (
        200,
        {**FULL, **TIMES, "state": "submitted"},
    )
    assert await private_labels_of(member) == {"email": "verified", "profile": "submitted"}
    assert (await member.get(ME)).body == [submitted.body]
    assert (await member.get("resource/users/me")).body["profiles"] == [submitted.body]

    late = await member.call("PUT", PROFILES, {"city": "Odesa"})
    assert (late.status, late.errors) == (404, ["resource.profile.doesnt_exist_or_not_editable"])


async def test_a_profile_is_submitted_at_once(member: Client) -> None:
    made = await member.post(PROFILES, json={**FULL, "confirm": True})
    assert (made.status, made.body | TIMES) == (201, {**FULL, **TIMES, "state": "submitted"})


@pytest.mark.parametrize("confirm", ["false", "true"])
async def test_a_second_profile_waits_for_the_verdict_on_the_first(
    member: Client, confirm: str
) -> None:
    await member.post(PROFILES, {**FULL, "confirm": confirm})
    answer = await member.post(PROFILES, FULL)
    assert (answer.status, answer.errors) == (409, ["state.exists"])


@pytest.mark.parametrize("state", ["verified", "rejected"])
async def test_after_the_verdict_there_may_be_another(member: Client, state: str) -> None:
    await member.post(PROFILES, {**FULL, "confirm": "true"})
    await judge(member, state)
    answer = await member.post(PROFILES, {**FULL, "city": "Lviv"})
    assert answer.status == 201
    profiles = (await member.get(ME)).body
    assert [(p["state"], p["city"]) for p in profiles] == [(state, "Kyiv"), ("drafted", "Lviv")]


@pytest.mark.parametrize(
    ("form", "kept"),
    [
        ({"dob": "31/01/1990"}, "1990-01-31"),
        ({"dob": "2000-02-29"}, "2000-02-29"),
        ({"dob": "29/02/2000"}, "2000-02-29"),
        ({"dob": ""}, None),
        ({"country": "UKR"}, "UKR"),
        ({"country": "ua"}, "UA"),
        ({"country": ""}, ""),
        ({"first_name": "Ľubomíra-Anna O'Neill"}, "Ľubomíra-Anna O'Neill"),
        ({"last_name": "शर्मा"}, "शर्मा"),
        ({"first_name": "x" * 255}, "x" * 255),
        ({"city": "St. John's–North"}, "St. John's–North"),  # noqa: RUF001
        ({"address": 'Flat #4, "The Oaks"; 1/2 (rear) A&B\nKyiv'},
         'Flat #4, "The Oaks"; 1/2 (rear) A&B\nKyiv'),
        ({"postcode": "01 001"}, "01 001"),
        ({"metadata": '{"a": [1,\n 2]}'}, '{"a": [1,\n 2]}'),
        ({"metadata": '"\\u0000"'}, '"\\u0000"'),
    ],
)  # fmt: skip
async def test_what_a_profile_may_hold(
    member: Client, form: dict[str, str], kept: str | None
) -> None:
    (name,) = form
    made = await member.post(PROFILES, json=FULL | form)
    assert (made.status, made.body[name]) == (201, kept)


async def test_a_profile_is_made_once_however_often_it_is_asked_for(member: Client) -> None:
    answers = await asyncio.gather(*(member.post(PROFILES, FULL) for _ in range(50)))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 49
    assert len((await member.get(ME)).body) == 1


async def test_a_draft_is_submitted_once(member: Client) -> None:
    await member.post(PROFILES, FULL)
    form = {"confirm": "true"}
    answers = await asyncio.gather(*(member.call("PUT", PROFILES, form) for _ in range(20)))
    assert sorted(answer.status for answer in answers) == [200] + [404] * 19


async def test_a_change_takes_back_the_level_that_documents_gave(
    member: Client, system: Installation
) -> None:
    uid = (await member.get("resource/users/me")).body["uid"]
    await member.post(PROFILES, FULL)
    for key in ("phone", "document"):
        await put_private_label(system, uid, key, "verified")
    assert (await member.get("resource/users/me")).body["level"] == 3
    unchanged = await member.call("PUT", PROFILES, {"city": FULL["city"]})
    assert unchanged.status == 200
    assert (await member.get("resource/users/me")).body["level"] == 3
    await member.call("PUT", PROFILES, {"city": "Lviv"})
    assert (await private_labels_of(member))["document"] == "replaced"
    assert (await member.get("resource/users/me")).body["level"] == 2


async def test_the_events_of_a_profile(member: Client, ear: Ear) -> None:
    await member.post(PROFILES, {**FULL, "first_name": "", "city": "Lviv", "address": ""})
    await member.call("PUT", PROFILES, {**FULL, "confirm": "true"})
    heard = await ear.of(member.email, 4)
    assert [event.name for event in heard] == [
        *("model.profile.created", "model.label.created"),
        *("model.profile.updated", "model.label.updated"),
    ]
    created, _, updated, label = heard
    assert set(created.record) == {"user", *FULL, "created_at", "updated_at"}
    assert {**updated.record, "user": None, **TIMES} == {"user": None, **FULL, **TIMES}
    assert updated.record["user"]["email"] == member.email
    assert updated.changes == {"first_name": "", "city": "Lviv", "address": ""}
    assert (label.record["key"], label.record["value"]) == ("profile", "submitted")
    before, after = created.snapshot["profile"], updated.snapshot["profile"]
    assert set(after) == {*FULL, "id", "uid", "state", "version", "created_at", "updated_at"}
    assert before["id"] == after["id"]
    assert (before["state"], after["state"]) == ("drafted", "submitted")
    assert before["version"] < after["version"]


async def test_a_null_of_a_profile_is_not_told(member: Client, ear: Ear) -> None:
    await member.post(PROFILES, {"city": "Lviv"})
    await member.call("PUT", PROFILES, {"first_name": "John"})
    created, _, updated = await ear.of(member.email, 3)
    assert set(created.record) == {"user", "city", "created_at", "updated_at"}
    assert updated.changes == {}
