"""/resource/labels, through the gateway."""

import asyncio
from typing import Any

import pytest

from tests.support.client import Client
from tests.support.events import Ear
from tests.support.internal import put_private_label, tables_of_resource
from tests.support.waiting import until

LABELS = "resource/labels"
NO_KEY = ["resource.label.missing_key", "resource.label.empty_key"]
NO_VALUE = ["resource.label.missing_value", "resource.label.empty_value"]
PRIVATE = (400, ["resource.labels.private"])
UNKNOWN = (404, ["record.not_found"])
LONG = "x" * 256


async def judge(member: Client, value: str) -> None:
    """Labels the member's documents, as an administrator does."""
    uid = (await member.get("resource/users/me")).body["uid"]
    await put_private_label(member.system, uid, "document", value)


CREATE_REFUSED: list[tuple[dict[str, Any], int, list[str]]] = [
    ({}, 400, NO_KEY + NO_VALUE),
    ({"value": "abc"}, 400, NO_KEY),
    *(({"key": blank, "value": "abc"}, 400, NO_KEY[1:]) for blank in ("", "   ", None)),
    ({"key": "abc"}, 400, NO_VALUE),
    *(({"key": "abc", "value": blank}, 400, NO_VALUE[1:]) for blank in ("", "   ", None)),
    ({"key": "ab", "value": "abc"}, 422, ["key.too_short"]),
    ({"key": "abc", "value": "ab"}, 422, ["value.too_short"]),
    ({"key": LONG, "value": "abc"}, 422, ["key.too_long"]),
    ({"key": "b" * 300, "value": "abc"}, 422, ["key.too_long"]),
    ({"key": "abe", "value": LONG}, 422, ["value.too_long"]),
    *(
        ({"key": odd, "value": "abc"}, 422, ["key.invalid"])
        for odd in ("with space", "dot.key", "ключ", "sla/sh")
    ),
    *(
        ({"key": "abf", "value": odd}, 422, ["value.invalid"])
        for odd in ("with space", "dot.val", "значение")
    ),
    ({"key": "ab", "value": "ab"}, 422, ["key.too_short", "value.too_short"]),
    (
        {"key": "a!", "value": "b!"},
        422,
        ["key.too_short", "key.invalid", "value.too_short", "value.invalid"],
    ),
    ({"key": ["abc"], "value": "abc"}, 422, ["invalid"]),
    ({"key": {"a": "b"}, "value": "abc"}, 422, ["invalid"]),
    ({"key": True, "value": "abc"}, 422, ["invalid"]),
    ({"key": "a\x1bc", "value": "abc"}, 422, ["key.invalid"]),
    ({"key": "abc", "value": "a\nb"}, 422, ["value.invalid"]),
]


@pytest.mark.parametrize(("body", "status", "codes"), CREATE_REFUSED)
async def test_what_is_no_label(
    shared_member: Client, body: dict[str, Any], status: int, codes: list[str]
) -> None:
    answer = await shared_member.post(LABELS, json=body)
    assert (answer.status, answer.errors) == (status, codes)
    assert [label["key"] for label in (await shared_member.get(LABELS)).body] == ["email"]


async def test_a_label_is_made_changed_and_deleted(member: Client, ear: Ear) -> None:
    made = await member.post(LABELS, {"key": " Color ", "value": "BLUE"})
    assert (made.status, list(made.body)) == (
        201,
        ["key", "value", "scope", "created_at", "updated_at"],
    )
    assert (made.body["key"], made.body["value"], made.body["scope"]) == ("color", "blue", "public")
    shown = await member.get(f"{LABELS}/COLOR")
    assert (shown.status, shown.body) == (200, made.body)

    changed = await member.call("PATCH", f"{LABELS}/color", {"value": "green"})
    assert (changed.status, changed.body["value"]) == (200, "green")
    unchanged = await member.call("PATCH", f"{LABELS}/color", {"value": "Green"})
    assert unchanged.body == changed.body

    deleted = await member.call("DELETE", f"{LABELS}/color")
    assert (deleted.status, deleted.body) == (204, "")
    for method, form in (("GET", None), ("PATCH", {"value": "red"}), ("DELETE", None)):
        answer = await member.call(method, f"{LABELS}/color", form)
        assert (answer.status, answer.errors) == UNKNOWN

    async def heard() -> list[Any]:
        mine = [e for e in ear.events if e.record.get("key") == "color"]
        return mine if len(mine) == 3 and all(e.id in ear.legacy for e in mine) else []

    events = await until(heard)
    assert [(event.name, dict(event.changes)) for event in events] == [
        ("model.label.created", {}),
        ("model.label.updated", {"value": "blue"}),
        ("model.label.deleted", {}),
    ]
    assert {event.record["user"]["email"] for event in events} == {member.email}


async def test_a_change_says_to_what(member: Client) -> None:
    await member.post(LABELS, {"key": "color", "value": "blue"})
    for form, status, codes in (
        ({}, 400, NO_VALUE),
        ({"value": " "}, 400, NO_VALUE[1:]),
        ({"value": "a.b"}, 422, ["value.invalid"]),
        ({"value": "ab"}, 422, ["value.too_short"]),
        ({"value": LONG}, 422, ["value.too_long"]),
    ):
        answer = await member.call("PATCH", f"{LABELS}/color", json=form)
        assert (answer.status, answer.errors) == (status, codes)
    assert (await member.get(f"{LABELS}/color")).body["value"] == "blue"


async def test_a_private_label_is_seen_and_not_written(member: Client) -> None:
    await judge(member, "pending")
    own = await member.post(LABELS, {"key": "document", "value": "mine"})
    assert (own.status, own.body["scope"]) == (201, "public")
    for key in ("email", "document"):
        assert (await member.get(f"{LABELS}/{key}")).body["scope"] == "private"
        for method in ("PATCH", "DELETE"):
            answer = await member.call(method, f"{LABELS}/{key}", {"value": "verified"})
            assert (answer.status, answer.errors) == PRIVATE
    smuggled = await member.post(LABELS, {"key": "phone", "value": "verified", "scope": "private"})
    assert smuggled.body["scope"] == "public"
    assert (await member.get("resource/users/me")).body["level"] == 1


async def test_odd_keys_in_the_path(shared_member: Client) -> None:
    for key, status, codes in (
        ("missing", *UNKNOWN),
        ("dotted.key", *UNKNOWN),
        ("%20", 400, ["resource.label.empty_key"]),
    ):
        answer = await shared_member.get(f"{LABELS}/{key}")
        assert (answer.status, answer.errors) == (status, codes)


async def test_another_users_label_is_nobodys(member: Client, shared_member: Client) -> None:
    await member.post(LABELS, {"key": "mine", "value": "blue"})
    for method in ("GET", "PATCH", "DELETE"):
        answer = await shared_member.call(method, f"{LABELS}/mine", {"value": "red"})
        assert (answer.status, answer.errors) == UNKNOWN
    assert (await member.get(f"{LABELS}/mine")).body["value"] == "blue"


async def test_a_key_is_taken_once_however_often_it_is_asked_for(member: Client) -> None:
    answers = await asyncio.gather(
        *(
            member.post(LABELS, {"key": "COLOR" if n % 2 else "color", "value": f"blue-{n}"})
            for n in range(20)
        )
    )
    assert sorted(answer.status for answer in answers) == [201] + [422] * 19
    assert {code for a in answers if a.status == 422 for code in a.errors} == {"key.taken"}
    assert [label["key"] for label in (await member.get(LABELS)).body] == ["email", "color"]


async def test_a_user_has_a_limited_number_of_labels(member: Client) -> None:
    async with tables_of_resource(member.system) as tables:
        await tables.execute(
            """
            INSERT INTO labels (uid, scope, key, value)
            SELECT uid, 'public', 'kept-' || n, 'here'
            FROM users, generate_series(1, 98) AS n
            WHERE email = $1
            """,
            member.email,
        )
    answers = await asyncio.gather(
        *(member.post(LABELS, {"key": f"label-{n}", "value": "here"}) for n in range(5))
    )
    assert sorted(answer.status for answer in answers) == [201] * 2 + [422] * 3
    refused = {code for a in answers if a.status == 422 for code in a.errors}
    assert refused == {"resource.label.limit_reached"}


async def test_a_judgement_on_documents_is_an_event_of_its_own(member: Client, ear: Ear) -> None:
    for value in ("pending", "rejected", "rejected", "verified"):
        await judge(member, value)
    await member.post(LABELS, {"key": "document", "value": "verified"})  # nobody's judgement

    async def heard() -> list[Any]:
        mine = [e for e in ear.events if e.record.get("key") == "document"]
        complete = any(e.record["user"]["email"] == member.email for e in mine) and len(mine) == 7
        return mine if complete and all(e.id in ear.legacy for e in mine) else []

    events = await until(heard)
    assert [event.name for event in events] == [
        "model.label.created",
        "model.label.updated",
        "system.document.rejected",
        "system.document.rejected",
        "model.label.updated",
        "system.document.verified",
        "model.label.created",
    ]
    for event in events:
        if event.name.startswith("system."):
            value = event.name.rpartition(".")[2]
            assert set(event.record) == {"id", "key", "value", "description", "user"}
            assert (event.record["value"], event.record["user"]["email"]) == (value, member.email)
