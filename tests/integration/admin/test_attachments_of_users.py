"""Administrators judge profiles, delete data storages and look at API keys."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.authenticator import forget_used_codes, second_factor_of
from tests.support.client import Client
from tests.support.events import Ear
from tests.support.staff import promote
from tests.support.system import PASSWORD, Installation

NOBODY = "ID0000000000"
PROFILES = "admin/profiles"
STORAGE = "admin/users/data_storage"
API_KEYS = "admin/api_keys"
NOT_EDITABLE = ["admin.profiles.doesnt_exist_or_not_editable"]

PROFILE = {
    "first_name": "John",
    "last_name": "Doe",
    "dob": "1990-01-31",
    "address": "1 High St.",
    "postcode": "AB-1 2CD",
    "city": "Kyiv",
    "country": "UA",
    "metadata": '{"a":1}',
}

REFUSED_STORAGES: list[tuple[dict[str, str], int, list[str]]] = [
    (
        {},
        422,
        [
            *("admin.user.missing_uid", "admin.user.empty_uid"),
            *("admin.user.missing_title", "admin.user.empty_title"),
        ],
    ),
    ({"title": "personal"}, 422, ["admin.user.missing_uid", "admin.user.empty_uid"]),
    ({"uid": "", "title": "personal"}, 422, ["admin.user.empty_uid"]),
    ({"uid": " ", "title": "personal"}, 422, ["admin.user.empty_uid"]),
    ({"uid": "UID"}, 422, ["admin.user.missing_title", "admin.user.empty_title"]),
    ({"uid": "UID", "title": ""}, 422, ["admin.user.empty_title"]),
    ({"uid": "UID", "title": " "}, 422, ["admin.user.empty_title"]),
    ({"uid": NOBODY, "title": "personal"}, 404, ["admin.user.doesnt_exist"]),
    ({"uid": "UID", "title": "personal"}, 404, ["admin.storage.doesnt_exist"]),
    ({"uid": "UID", "title": "../x"}, 404, ["admin.storage.doesnt_exist"]),
]

REFUSED_API_KEYS: list[tuple[dict[str, str], int, list[str]]] = [
    ({}, 422, ["admin.apikey.missing_uid", "admin.apikey.empty_uid"]),
    ({"uid": ""}, 422, ["admin.apikey.empty_uid"]),
    ({"uid": "  "}, 422, ["admin.apikey.empty_uid"]),
    ({"uid": NOBODY}, 404, ["admin.user.doesnt_exist"]),
    ({"uid": "UID", "limit": "101"}, 422, ["invalid_limit"]),
    ({"uid": "UID", "page": "0"}, 422, ["non_positive_page"]),
]


@pytest.fixture
async def member(system: Installation) -> AsyncIterator[Client]:
    """A member with a session."""
    async with Client(system) as made:
        await made.become_member()
        yield made


@pytest.fixture
async def uid(member: Client) -> str:
    """The member's uid."""
    return str((await member.get("resource/users/me")).body["uid"])


async def shown(admin: Client, uid: str) -> dict[str, Any]:
    """The user in the directory, whose answer may not wait for events."""
    answer = await admin.get(f"admin/users/{uid}")
    assert answer.status == 200
    return dict(answer.body)


async def submit(member: Client) -> None:
    assert (await member.post("resource/profiles", {**PROFILE, "confirm": "true"})).status == 201


REFUSED_PROFILES: list[tuple[dict[str, str], int, list[str]]] = [
    ({"first_name": "A"}, 400, ["admin.profile.missing_uid"]),
    ({"uid": "", "first_name": "A"}, 404, NOT_EDITABLE),
    ({"uid": NOBODY, "first_name": "A"}, 404, NOT_EDITABLE),
    (
        {
            "uid": "UID",
            "first_name": "J@hn",
            "country": "XX",
            "postcode": "1",
            "metadata": "nojson",
        },
        422,
        [
            *("first_name.invalid", "country.must have alpha2 or alpha3 format"),
            *("postcode.too_short", "metadata.invalid_format"),
        ],
    ),
    ({"uid": "UID", "dob": "nope"}, 422, ["invalid"]),
    ({"uid": "UID", "dob": "1990-13-45"}, 422, ["invalid"]),
    ({"uid": "UID", "state": "whatever"}, 422, ["state.inclusion"]),
    ({"uid": "UID", "first_name": "a\x07b"}, 422, ["first_name.invalid"]),
    ({"uid": "UID", "first_name": "x" * 256}, 422, ["first_name.too_long"]),
]


@pytest.mark.parametrize(("form", "status", "codes"), REFUSED_PROFILES)
async def test_refused_profiles(
    admin: Client, member: Client, uid: str, form: dict[str, str], status: int, codes: list[str]
) -> None:
    await submit(member)
    form = {name: uid if value == "UID" else value for name, value in form.items()}
    answer = await admin.call("PUT", PROFILES, form)

    assert (answer.status, answer.errors) == (status, codes)


async def test_who_has_no_profile_has_none_to_change(admin: Client, uid: str) -> None:
    answer = await admin.call("PUT", PROFILES, {"uid": uid, "first_name": "A"})

    assert (answer.status, answer.errors) == (404, NOT_EDITABLE)


async def test_nobody_changes_his_own_profile_or_a_superadmins(
    system: Installation, admin: Client
) -> None:
    async with Client(system) as staff, Client(system) as above:
        staff_uid = await promote(admin, staff, "admin")
        above_uid = await promote(admin, above, "superadmin")
        for who in (staff, above):
            await submit(who)
        verdict = {"state": "verified"}
        refused = await staff.call("PUT", PROFILES, {"uid": above_uid, **verdict})
        own = await staff.call("PUT", PROFILES, {"uid": staff_uid, **verdict})
        allowed = await admin.call("PUT", PROFILES, {"uid": above_uid, **verdict})
    assert (refused.status, refused.errors) == (422, ["admin.profiles.superadmin_change"])
    assert (own.status, own.errors) == (422, ["admin.user.update_himself"])
    assert (allowed.status, allowed.body["state"]) == (200, "verified")


async def test_a_profile_is_corrected_and_then_judged_once(
    admin: Client, member: Client, uid: str, ear: Ear
) -> None:
    await submit(member)

    corrected = await admin.call("PUT", PROFILES, {"uid": uid, "first_name": " Fixed ", "dob": ""})
    assert corrected.status == 200
    assert list(corrected.body) == [
        *("first_name", "last_name", "dob", "address", "postcode", "city", "country"),
        *("state", "metadata", "created_at", "updated_at"),
    ]
    assert (corrected.body["first_name"], corrected.body["state"]) == ("Fixed", "submitted")
    assert (corrected.body["dob"], corrected.body["last_name"]) == (None, "Doe")
    [profile] = (await shown(admin, uid))["profiles"]
    assert profile["first_name"] == "Fixed"

    judged = await admin.call("PUT", PROFILES, {"uid": uid, "state": "verified"})
    assert (judged.status, judged.body["state"]) == (200, "verified")
    directory = await shown(admin, uid)
    assert [each["state"] for each in directory["profiles"]] == ["verified"]
    labels = {each["key"]: each["value"] for each in directory["labels"]}
    assert labels["profile"] == "verified"
    again = await admin.call("PUT", PROFILES, {"uid": uid, "state": "rejected"})
    assert (again.status, again.errors) == (404, NOT_EDITABLE)

    heard = await ear.called("model.profile.updated", member.email, 2)
    assert [e.record["first_name"] for e in heard] == ["Fixed", "Fixed"]
    assert heard[0].changes["first_name"] == "John"


@pytest.mark.parametrize(
    ("change", "document"), [({"state": "verified"}, "verified"), ({"city": "Lviv"}, "replaced")]
)
async def test_only_another_content_makes_documents_those_of_another_profile(
    admin: Client, member: Client, uid: str, change: dict[str, str], document: str
) -> None:
    await submit(member)
    label = {"uid": uid, "key": "document", "value": "verified", "scope": "private"}
    assert (await admin.post("admin/users/labels", label)).status == 201

    assert (await admin.call("PUT", PROFILES, {"uid": uid, **change})).status == 200

    labels = {each["key"]: each["value"] for each in (await shown(admin, uid))["labels"]}
    assert labels["document"] == document


async def test_two_judge_one_profile(
    system: Installation, admin: Client, member: Client, uid: str
) -> None:
    await submit(member)
    async with Client(system) as staff:
        await promote(admin, staff, "admin")
        answers = await asyncio.gather(
            admin.call("PUT", PROFILES, {"uid": uid, "state": "verified"}),
            staff.call("PUT", PROFILES, {"uid": uid, "state": "rejected"}),
        )
    assert sorted(answer.status for answer in answers) == [200, 404]
    [winner] = [answer.body["state"] for answer in answers if answer.status == 200]
    [profile] = (await shown(admin, uid))["profiles"]
    assert profile["state"] == winner


@pytest.mark.parametrize(("form", "status", "codes"), REFUSED_STORAGES)
async def test_refused_storages(
    admin: Client, uid: str, form: dict[str, str], status: int, codes: list[str]
) -> None:
    form = {name: uid if value == "UID" else value for name, value in form.items()}
    answer = await admin.call("DELETE", STORAGE, params=form)

    assert (answer.status, answer.errors) == (status, codes)


async def test_a_data_storage_is_deleted_once(
    system: Installation, admin: Client, member: Client, uid: str, ear: Ear
) -> None:
    storage = {"title": "personal", "data": '{"a":1}'}
    assert (await member.post("resource/data_storage", storage)).status == 201
    async with Client(system) as staff:
        await promote(admin, staff, "admin")
        params = {"uid": uid, "title": "personal"}
        answers = await asyncio.gather(
            *(who.call("DELETE", STORAGE, params=params) for who in (admin, staff))
        )
    assert sorted(answer.status for answer in answers) == [204, 404]
    assert (await shown(admin, uid))["data_storages"] == []
    heard = await ear.called("model.data_storage.deleted", member.email)
    assert [(e.record["title"], e.record["data"]) for e in heard] == [("personal", '{"a":1}')]
    assert (await member.post("resource/data_storage", storage)).status == 201


@pytest.mark.parametrize(("params", "status", "codes"), REFUSED_API_KEYS)
async def test_refused_api_keys(
    admin: Client, uid: str, params: dict[str, str], status: int, codes: list[str]
) -> None:
    params = {name: uid if value == "UID" else value for name, value in params.items()}
    answer = await admin.get(API_KEYS, params=params)

    assert (answer.status, answer.errors) == (status, codes)


async def test_api_keys_are_listed_without_secrets_and_without_the_second_factor(
    admin: Client, member: Client, uid: str
) -> None:
    authenticator = await second_factor_of(member, uid)  # which ends all sessions
    form = {"email": member.email, "password": PASSWORD, "otp_code": authenticator.code()}
    assert (await member.post("identity/sessions", form)).status == 201
    await forget_used_codes(member, uid)
    kids = []
    for _ in range(2):
        form = {"algorithm": "HS256", "totp_code": authenticator.code()}
        made = await member.post("resource/api_keys", form)
        await forget_used_codes(member, uid)
        assert made.status == 201
        kids.append(made.body["kid"])
    assert (await admin.call("PUT", "admin/users", {"uid": uid, "otp": "false"})).status == 200

    first = await admin.get(API_KEYS, params={"uid": uid, "limit": "1"})
    second = await admin.get(API_KEYS, params={"uid": uid, "limit": "1", "page": "2"})

    assert (first.status, first.headers["Total"], first.headers["Per-Page"]) == (200, "2", "1")
    assert [key["kid"] for key in (*first.body, *second.body)] == kids
    assert list(first.body[0]) == [
        *("kid", "algorithm", "scope", "state", "created_at", "updated_at"),
    ]
