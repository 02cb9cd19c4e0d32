"""The directory as administrators see it, through the gateway."""

import base64
import copy
import io
import json
import secrets
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest

from tests.support.client import Answer, Client
from tests.support.events import Ear
from tests.support.internal import tables_of_admin
from tests.support.system import Installation
from tests.support.waiting import until

USERS, PENDING, PROFILES = "admin/users", "admin/users/documents/pending", "admin/profiles"
LABELS = "admin/users/labels"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))

USER = ["email", "uid", "role", "level", "otp", "state", "referral_uid", "data"]
TIMES = ["created_at", "updated_at"]
PROFILE_WRITTEN = {
    "first_name": "Anne Marie",
    "dob": "1990-01-31",
    "address": "1 High St.",
    "postcode": "AB-1 2CD",
    "city": "Oslo",
    "country": "no",
}
DOCUMENT_WRITTEN = {"doc_type": "Passport", "doc_number": "A1", "doc_expire": "3020-01-22"}
WITH_PROFILE = [*USER[:6], "data", "profiles", "referral_uid", *TIMES]
WITH_KYC = [
    *(*USER[:6], "data", "profiles", "labels", "phones", "documents", "data_storages"),
    *("referral_uid", *TIMES),
]
PROFILE = [
    *("first_name", "last_name", "dob", "address", "postcode", "city", "country", "state"),
    *("metadata", *TIMES),
]


def cursor(*parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


A_TIME = "2026-11-22T10:10:10+00:00"
INVALID_CURSORS = [
    "x",
    "é",
    "=",
    "%",
    "e30",
    base64.urlsafe_b64encode(b"[" * 1000).decode(),
    cursor("created_at", False, A_TIME),
    cursor("created_at", True, A_TIME, "ID1"),
    cursor("email", False, "a@b.com", "ID1"),
    cursor("created_at", False, "yesterday", "ID1"),
    cursor("created_at", False, "2026-11-22T10:10:10", "ID1"),
    cursor("created_at", False, "0001-01-01T00:00:00+14:00", "ID1"),
    cursor("created_at", False, A_TIME, 1),
    cursor("created_at", False, A_TIME, "\x00"),
    cursor("created_at", False, A_TIME, "\ud800"),
    cursor("created_at", False, A_TIME, "x" * 1000),
    cursor("created_at", False, None, "ID1"),
    cursor({}, [], A_TIME, "ID1"),
]
REFUSED: list[tuple[dict[str, Any], list[str]]] = [
    ({"extended": "x"}, ["admin.user.non_boolean_extended"]),
    ({"page": "0"}, ["non_positive_page"]),
    ({"limit": "101"}, ["invalid_limit"]),
    ({"range": "x"}, ["admin.user.invalid_range"]),
    ({"level": "x"}, ["invalid"]),
    ({"from": "-1"}, ["invalid"]),
    ({"to": "9" * 18}, ["invalid"]),
    ({"country": "x" * 2000}, ["invalid"]),
    ({"first_name": "\x07"}, ["invalid"]),
    ({"last_name[]": "x"}, ["invalid"]),
    *(({"q": q}, ["admin.user.invalid_q"]) for q in ("%", "%_%", "_a", "\\", "x" * 101)),
    ({"order_by": "password_digest"}, ["admin.user.invalid_order_by"]),
    ({"order_by": "waiting_since"}, ["admin.user.invalid_order_by"]),
    ({"order_by": ""}, ["admin.user.invalid_order_by"]),
    ({"ordering": "DESC; --"}, ["admin.user.invalid_ordering"]),
    *(({"cursor": text}, ["admin.user.invalid_cursor"]) for text in INVALID_CURSORS),
]


@pytest.fixture(scope="module")
async def everything(system: Installation) -> AsyncIterator[Client]:
    """A member with one attachment of each kind, and a family name that nobody else has."""
    async with Client(system) as member:
        await member.become_member()
        family = "".join(secrets.choice("bcdfghklm") + "ao"[n % 2] for n in range(6)).capitalize()
        profile = {**PROFILE_WRITTEN, "last_name": family}
        assert (await member.post("resource/profiles", profile)).status == 201
        form: Any = aiohttp.FormData(default_to_multipart=True)
        for name, value in DOCUMENT_WRITTEN.items():
            form.add_field(name, value)
        form.add_field("upload[]", io.BytesIO(PNG), filename="a.png", content_type="image/png")
        assert (await member.post("resource/documents", form)).status == 201
        storage = {"title": "personal", "data": '{"a":1}'}
        assert (await member.post("resource/data_storage", storage)).status == 201
        phone = {"phone_number": f"+38067{secrets.randbelow(10**7):07}"}
        assert (await member.post("resource/phones", phone)).status == 201
        assert (
            await member.post("resource/labels", {"key": "team", "value": "blue"})
        ).status == 201
        yield member


@pytest.fixture(scope="module")
async def known(everything: Client, admin: Client) -> dict[str, Any]:
    """The same member, as soon as the directory knows everything."""
    uid = (await everything.get("resource/users/me")).body["uid"]

    async def all_known() -> dict[str, Any] | None:
        answer = await admin.get(f"{USERS}/{uid}")
        if answer.status != 200:
            return None
        kinds = ("profiles", "phones", "documents", "data_storages")
        whole = all(answer.body[kind] for kind in kinds) and len(answer.body["labels"]) == 5
        return dict(answer.body) if whole else None

    found = await until(all_known)
    assert found
    return found


def family(known: dict[str, Any]) -> str:
    return str(known["profiles"][0]["last_name"])


@pytest.mark.parametrize("path", [USERS, PENDING])
@pytest.mark.parametrize(("params", "codes"), REFUSED)
async def test_refused(admin: Client, path: str, params: dict[str, Any], codes: list[str]) -> None:
    answer = await admin.get(path, params=params)
    assert (answer.status, answer.errors) == (422, codes)


@pytest.mark.parametrize(
    ("uid", "status", "codes"),
    [
        ("ID0000000000", 404, ["admin.user.doesnt_exist"]),
        ("admin@barong.io", 404, ["admin.user.doesnt_exist"]),
        ("%25", 404, ["admin.user.doesnt_exist"]),
        ("%20", 422, ["admin.user.empty_uid"]),
    ],
)
async def test_nobody_is_shown(admin: Client, uid: str, status: int, codes: list[str]) -> None:
    answer = await admin.get(f"{USERS}/{uid}")
    assert (answer.status, answer.errors) == (status, codes)


@pytest.mark.parametrize(
    ("params", "codes"),
    [
        ({"page": "0"}, ["non_positive_page"]),
        ({"limit": "101"}, ["invalid_limit"]),
        ({"page": "abc"}, ["non_integer_page", "non_positive_page"]),
    ],
)
async def test_profiles_refused(admin: Client, params: dict[str, str], codes: list[str]) -> None:
    answer = await admin.get(PROFILES, params=params)
    assert (answer.status, answer.errors) == (422, codes)


@pytest.mark.parametrize(
    ("params", "codes"),
    [
        ({}, ["admin.user.missing_key", "admin.user.missing_value"]),
        ({"value": "verified"}, ["admin.user.missing_key"]),
        ({"key": "email"}, ["admin.user.missing_value"]),
        ({"key": "email", "value": "verified", "page": "0"}, ["non_positive_page"]),
        (
            {"key": "email", "value": "verified", "limit": "x"},
            ["non_integer_limit", "invalid_limit"],
        ),
        *(
            ({"key": "email", "value": "verified", "cursor": text}, ["admin.user.invalid_cursor"])
            for text in INVALID_CURSORS
        ),
    ],
)
async def test_labelled_refused(admin: Client, params: dict[str, str], codes: list[str]) -> None:
    answer = await admin.get(LABELS, params=params)
    assert (answer.status, answer.errors) == (422, codes)


async def test_a_user_with_all_that_is_his(known: dict[str, Any], everything: Client) -> None:
    known = copy.deepcopy(known)
    assert list(known) == WITH_KYC
    (profile,) = known["profiles"]
    assert list(profile) == PROFILE
    assert profile == (await everything.get("resource/profiles/me")).body[0]
    assert known["phones"] == (await everything.get("resource/phones")).body
    (storage,) = known["data_storages"]
    assert list(storage) == ["title", "data", *TIMES]
    labels = {(each["scope"], each["key"]): each for each in known["labels"]}
    assert set(labels) == {
        *(("private", "email"), ("private", "profile"), ("private", "document")),
        *(("private", "personal"), ("public", "team")),
    }
    for label in labels.values():
        assert list(label) == ["key", "value", "scope", "description", *TIMES]
        del label["description"]
    assert known["labels"] == (await everything.get("resource/labels")).body


async def test_a_document_is_linked_to(known: dict[str, Any], everything: Client) -> None:
    (document,) = known["documents"]
    assert list(document) == [
        *("upload", "doc_type", "doc_number", "doc_expire", "metadata"),
        *TIMES,
    ]
    gateway = everything.system.gateway_url
    async with (
        aiohttp.ClientSession(gateway) as anybody,
        anybody.get(document["upload"]["url"]) as got,
    ):
        assert (got.status, await got.read()) == (200, PNG)


Asked = Callable[[dict[str, Any]], dict[str, str]]

FINDS: list[Asked] = [
    lambda of: {"first_name": "anne  marie"},
    lambda of: {"first_name": "Anne Marie", "country": "NO"},
    lambda of: {"country": "no", "role": "member", "level": "1", "state": "active"},
    lambda of: {"uid": of["uid"], "email": of["email"].upper()},
    lambda of: {"q": family(of)},
    lambda of: {"q": family(of)[2:8].upper()},
    lambda of: {"q": f"marie {family(of)}"},
    lambda of: {"q": "an"},
    lambda of: {"q": family(of)[:2]},
    lambda of: {"q": of["email"][:6]},
    lambda of: {"from": "0", "to": "99999999999"},
    lambda of: {"range": "updated", "from": "0"},
    lambda of: {"range": "updated", "to": "99999999999", "country": "NO"},
    lambda of: {"unknown": "'; DROP TABLE users; --", "page": "1"},
]
MISSES: list[Asked] = [
    lambda of: {"first_name": "Anne"},
    lambda of: {"first_name": "Anne%"},
    lambda of: {"first_name": family(of)},
    lambda of: {"country": "N_"},
    lambda of: {"country": "SE"},
    lambda of: {"level": "0"},
    lambda of: {"state": "pending"},
    lambda of: {"role": "member' OR 'a' = 'a"},
    lambda of: {"email": "%"},
    lambda of: {"uid": "ID%"},
    lambda of: {"q": family(of)[:4] + "%" + family(of)[4:]},
    lambda of: {"q": family(of)[:4] + "_" + family(of)[5:]},
    lambda of: {"q": family(of)[1:3]},
    lambda of: {"to": "1"},
    lambda of: {"from": "99999999999"},
    lambda of: {"from": "99999999999", "to": "1"},
    lambda of: {"range": "updated", "to": "1", "country": "NO"},
]


@pytest.mark.parametrize("path", [USERS, PENDING])
@pytest.mark.parametrize("asked", FINDS)
async def test_he_is_found(admin: Client, known: dict[str, Any], path: str, asked: Asked) -> None:
    params = {"last_name": family(known).upper(), **asked(known)}
    answer = await admin.get(path, params=params)
    assert (answer.status, answer.headers["Total"]) == (200, "1")
    assert [list(user) for user in answer.body] == [USER]
    assert answer.body[0]["uid"] == known["uid"]


@pytest.mark.parametrize("asked", MISSES)
async def test_he_is_not_found(admin: Client, known: dict[str, Any], asked: Asked) -> None:
    answer = await admin.get(USERS, params={"last_name": family(known), **asked(known)})
    assert (answer.status, answer.body, answer.headers["Total"]) == (200, [], "0")


async def test_counted_alone_he_is_not_missed(admin: Client, known: dict[str, Any]) -> None:
    for params in (
        {"country": "NO", "level": "1", "role": "member"},
        {"country": "NO", "from": "1"},
        {"country": "NO", "range": "updated", "from": "1", "to": "99999999999"},
    ):
        answer = await admin.get(USERS, params=params)
        assert known["uid"] in [user["uid"] for user in answer.body], params
        assert int(answer.headers["Total"]) == len(answer.body), params


async def test_extended_lists(admin: Client, known: dict[str, Any]) -> None:
    params = {"last_name": family(known), "extended": "true"}
    (listed,) = (await admin.get(USERS, params=params)).body
    assert list(listed) == WITH_PROFILE
    assert listed["profiles"] == known["profiles"]
    (waiting,) = (await admin.get(PENDING, params=params)).body
    (link,) = (document["upload"].pop("url") for document in waiting["documents"])
    assert "signature=" in link
    expected = copy.deepcopy(known)
    del expected["documents"][0]["upload"]["url"]
    assert waiting == expected


async def test_judged_documents_wait_no_longer(
    admin: Client, client: Client, system: Installation
) -> None:
    uid = (await client.become_member()).body["uid"]
    for value, waits in (("pending", True), ("rejected", False), ("replaced", True)):
        form = {"uid": uid, "key": "document", "scope": "private", "value": value}
        assert (await admin.post("admin/users/labels/update", form)).status == 201
        answer = await admin.get(PENDING, params={"uid": uid})
        assert [user["uid"] for user in answer.body] == ([uid] if waits else [])


async def test_users_by_label(admin: Client, known: dict[str, Any], client: Client) -> None:
    uid = (await client.become_member()).body["uid"]
    value = secrets.token_hex(8)
    before = (await admin.get(f"{LABELS}/list")).body
    for scope in ("public", "private"):
        form = {"uid": uid, "key": "club", "value": value, "scope": scope}
        assert (await admin.post(LABELS, form)).status == 201
    answer = await admin.get(LABELS, params={"key": " Club ", "value": value.upper()})
    assert [list(user) for user in answer.body] == [USER]
    assert (answer.body[0]["uid"], answer.headers["Total"]) == (uid, "1")
    after = (await admin.get(f"{LABELS}/list")).body
    assert after[f'["club", "{value}"]'] == 1
    assert '["team", "blue"]' not in after
    assert after['["email", "verified"]'] >= before['["email", "verified"]'] > 0
    form = {"uid": uid, "key": "club", "scope": "private"}
    assert (await admin.call("DELETE", LABELS, params=form)).status == 204
    assert f'["club", "{value}"]' not in (await admin.get(f"{LABELS}/list")).body
    # What is left is the user's own word, which is found as such.
    params = {"key": "club", "value": value}
    assert (await admin.get(LABELS, params=params)).headers["Total"] == "0"
    public = await admin.get(LABELS, params=params | {"scope": "public"})
    assert ([user["uid"] for user in public.body], public.headers["Total"]) == ([uid], "1")
    listed = (await admin.get(f"{LABELS}/list", params={"scope": "public"})).body
    assert (listed[f'["club", "{value}"]'], '["team", "blue"]' in listed) == (1, True)


async def test_what_a_user_says_of_themself_is_no_verdict(
    admin: Client, client: Client, ear: Ear
) -> None:
    uid = (await client.become_member()).body["uid"]
    label = {"key": "document", "value": "verified"}
    assert (await client.post("resource/labels", label)).status == 201

    async def told() -> bool:
        found = await admin.get(LABELS, params=label | {"scope": "public", "limit": "100"})
        return uid in [user["uid"] for user in found.body]

    assert await until(told)
    for params in (label, label | {"scope": "private"}):
        found = await admin.get(LABELS, params=params | {"limit": "100"})
        assert uid not in [user["uid"] for user in found.body]
    [event] = await ear.called(
        "model.label.created", client.email, where=lambda e: e.record["key"] == "document"
    )
    assert event.record["scope"] == "public"


@pytest.mark.parametrize("scope", ["", "both", "PRIVATE"])
@pytest.mark.parametrize("path", [LABELS, f"{LABELS}/list"])
async def test_there_are_two_scopes(admin: Client, path: str, scope: str) -> None:
    params = {"key": "email", "value": "verified", "scope": scope}
    answer = await admin.get(path, params=params)
    assert (answer.status, answer.errors) == (422, ["admin.user.invalid_scope"])


async def test_all_profiles(admin: Client, known: dict[str, Any]) -> None:
    first = await admin.get(PROFILES, params={"limit": "1"})
    total = int(first.headers["Total"])
    assert len(first.body) == 1
    last = await admin.get(PROFILES, params={"limit": "100", "page": str(-(-total // 100))})
    assert known["profiles"][0] in last.body
    assert all(list(profile) == PROFILE for profile in last.body)
    beyond = await admin.get(PROFILES, params={"page": "1000000000"})
    assert (beyond.status, beyond.body, beyond.headers["Total"]) == (200, [], str(total))


@pytest.fixture(scope="module")
async def crowd(system: Installation) -> list[str]:
    """A word, and the uids of those in whose e-mails it is, in the order of their sign-up."""
    word = secrets.token_hex(4)
    uids = []
    for letter in "caebd":
        async with Client(system) as each:
            email = f"{letter}.crowd{word}@example.com"
            uids.append((await each.sign_up(email=email)).body["uid"])
    async with tables_of_admin(system) as tables:

        async def all_known() -> bool:
            sql = "SELECT count(*) FROM users WHERE uid = ANY($1)"
            return bool(await tables.fetchval(sql, uids) == len(uids))

        await until(all_known)
    return [word, *uids]


async def walk(admin: Client, path: str = USERS, **params: str) -> list[str]:
    """The uids of a list that is read by cursors, two at a time."""
    answer = await admin.get(path, params={"limit": "2", **params})
    uids = [user["uid"] for user in answer.body]
    while following := answer.headers.get("Next-Cursor"):
        assert f"cursor={following}" in answer.headers["Link"] or "Page" in answer.headers
        answer = await admin.get(path, params={"limit": "2", **params, "cursor": following})
        assert "Page" not in answer.headers
        assert answer.headers["Total"] == "5"
        uids += [user["uid"] for user in answer.body]
    return uids


async def test_every_order_in_pages_and_by_cursor(admin: Client, crowd: list[str]) -> None:
    word, *uids = crowd
    by_email = [uids[1], uids[3], uids[0], uids[4], uids[2]]
    for order_by, expected in (("created_at", uids), ("updated_at", uids), ("email", by_email)):
        for ordering in ("asc", "desc"):
            wanted = expected if ordering == "asc" else expected[::-1]
            params = {"q": word, "order_by": order_by, "ordering": ordering}
            assert await walk(admin, **params) == wanted
            pages = [
                (await admin.get(USERS, params={**params, "limit": "2", "page": str(page)})).body
                for page in (1, 2, 3)
            ]
            assert [user["uid"] for page in pages for user in page] == wanted


async def test_the_other_lists_by_cursor(admin: Client, crowd: list[str]) -> None:
    word, *uids = crowd
    for uid in uids:
        for label in (
            {"key": "crowd", "value": word, "scope": "public"},
            {"key": "document", "value": "pending", "scope": "private"},
        ):
            assert (await admin.post(LABELS, {"uid": uid, **label})).status == 201
    assert await walk(admin, LABELS, key="crowd", value=word, scope="public") == uids
    assert await walk(admin, PENDING, q=word) == uids


async def test_a_page_leads_to_the_others(admin: Client, crowd: list[str]) -> None:
    word, *_ = crowd
    answer = await admin.get(USERS, params={"q": word, "limit": "2", "page": "2"})
    assert (answer.headers["Page"], answer.headers["Total"]) == ("2", "5")
    links = {
        rel.split('"')[1]: link.strip(" <>")
        for link, rel in (part.split(";") for part in answer.headers["Link"].split(","))
    }
    assert set(links) == {"first", "prev", "last", "next"}
    assert links["next"] == f"/api/v2/{USERS}?q={word}&limit=2&page=3"
    assert len((await admin.get(links["next"])).body) == 1
    for page in ("4", "1000000000"):
        beyond = await admin.get(USERS, params={"q": word, "limit": "2", "page": page})
        assert (beyond.status, beyond.body, beyond.headers["Total"]) == (200, [], "5")


async def test_a_user_is_shown_as_his_administrator_changed_him(
    admin: Client, client: Client
) -> None:
    uid = (await client.become_member()).body["uid"]

    async def is_known() -> bool:
        return (await admin.get(f"{USERS}/{uid}")).status == 200

    await until(is_known)
    for state in ("locked", "active"):
        form = {"uid": uid, "state": state}
        assert (await admin.post("admin/users/update", form)).status == 201
        shown: Answer = await admin.get(f"{USERS}/{uid}")
        assert shown.body["state"] == state
        assert (await admin.get(USERS, params={"uid": uid, "state": state})).headers["Total"] == "1"
