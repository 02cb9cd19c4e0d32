"""/admin/permissions through the gateway."""

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.client import Client
from tests.support.events import Ear
from tests.support.waiting import HEARD_SECONDS, until

PERMISSIONS = "admin/permissions"
FULL = {"role": "member", "verb": "patch", "path": "api/v2/nobody", "action": "accept"}
BLANKS = ("", "   ")


def both(name: str) -> list[str]:
    return [f"admin.permission.missing_{name}", f"admin.permission.empty_{name}"]


def without(name: str) -> dict[str, str]:
    return {key: value for key, value in FULL.items() if key != name}


LIST_REFUSED: list[tuple[dict[str, str], list[str]]] = [
    ({"page": "0"}, ["non_positive_page"]),
    ({"limit": "101"}, ["invalid_limit"]),
    ({"page": "abc"}, ["non_integer_page", "non_positive_page"]),
]
ADD_REFUSED: list[tuple[dict[str, str], list[str]]] = [
    ({}, list(itertools.chain.from_iterable(map(both, FULL)))),
    *((without(name), both(name)) for name in FULL),
    *(
        (FULL | {name: blank}, [f"admin.permission.empty_{name}"])
        for name in (*FULL, "topic")
        for blank in BLANKS
    ),
    (FULL | {"verb": "fetch"}, ["admin.permissions.invalid_verb"]),
    (FULL | {"verb": "fetch", "action": "x"}, ["admin.permissions.invalid_verb"]),
    (FULL | {"verb": "fetch", "role": "nobody"}, ["admin.permissions.invalid_verb"]),
    (FULL | {"action": "x"}, ["admin.permissions.invalid_action"]),
    (FULL | {"role": "nobody"}, ["admin.permission.role_doesnt_exist"]),
    # A path that no request can have would protect nothing.
    (FULL | {"path": "api//v2"}, ["admin.permissions.invalid_path"]),
]
CHANGE_REFUSED: list[tuple[dict[str, str], list[str]]] = [
    *(
        ({name: ""}, [f"admin.permission.empty_{name}"])
        for name in ("role", "verb", "path", "action", "topic")
    ),
    # Barong stores these; we refuse them.
    ({"verb": "fetch"}, ["admin.permissions.invalid_verb"]),
    ({"action": "x"}, ["admin.permissions.invalid_action"]),
    ({"role": "nobody"}, ["admin.permission.role_doesnt_exist"]),
    ({"verb": "all", "path": "resource"}, ["path.taken"]),
]
ID_REFUSED: list[tuple[dict[str, str], int, list[str]]] = [
    ({}, 422, both("id")),
    ({"id": ""}, 422, ["admin.permission.empty_id"]),
    ({"id": "abc"}, 422, ["invalid"]),
    ({"id": "999999"}, 404, ["admin.permission.doesnt_exist"]),
]


@pytest.fixture
async def permission(admin: Client) -> AsyncIterator[dict[str, Any]]:
    """A permission of the test's own."""
    answer = await admin.post(PERMISSIONS, FULL | {"path": f"api/v2/{secrets.token_hex(6)}"})
    yield answer.body
    await admin.call("DELETE", PERMISSIONS, params={"id": answer.body["id"]})


@pytest.mark.parametrize(("params", "codes"), LIST_REFUSED)
async def test_a_list_is_refused(admin: Client, params: dict[str, str], codes: list[str]) -> None:
    answer = await admin.get(PERMISSIONS, params=params)

    assert (answer.status, answer.errors) == (422, codes)


@pytest.mark.parametrize(("form", "codes"), ADD_REFUSED)
async def test_a_new_one_is_refused(admin: Client, form: dict[str, str], codes: list[str]) -> None:
    answer = await admin.post(PERMISSIONS, form)

    assert (answer.status, answer.errors) == (422, codes)


@pytest.mark.parametrize(("form", "codes"), CHANGE_REFUSED)
async def test_a_change_is_refused(
    admin: Client, permission: dict[str, Any], form: dict[str, str], codes: list[str]
) -> None:
    form = {"id": permission["id"], **form}
    if codes == ["path.taken"]:
        form["action"] = "accept"
    answer = await admin.call("PUT", PERMISSIONS, form)

    assert (answer.status, answer.errors) == (422, codes)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize(("params", "status", "codes"), ID_REFUSED)
async def test_one_that_is_not_named_is_refused(
    admin: Client, method: str, params: dict[str, str], status: int, codes: list[str]
) -> None:
    answer = await admin.call(method, PERMISSIONS, params=params)

    assert (answer.status, answer.errors) == (status, codes)


async def test_the_list_comes_in_pages(admin: Client) -> None:
    answer = await admin.get(PERMISSIONS, params={"limit": "2", "page": "2"})

    assert answer.status == 200
    assert (answer.headers["Page"], answer.headers["Per-Page"]) == ("2", "2")
    assert 'rel="next"' in answer.headers["Link"]
    assert [list(permission) for permission in answer.body] == [
        ["id", "action", "role", "verb", "path", "topic", "created_at", "updated_at"]
    ] * 2


async def test_a_permission_is_added_changed_and_removed(admin: Client, ear: Ear) -> None:
    path = f"api/v2/{secrets.token_hex(6)}"
    added = await admin.post(PERMISSIONS, FULL | {"path": f"/{path}/"})
    assert added.status == 201
    number = added.body["id"]
    told = {"role": "member", "verb": "PATCH", "path": path, "action": "ACCEPT", "topic": None}
    assert added.body | told == added.body
    assert added.body["created_at"].endswith("Z")
    taken = await admin.post(PERMISSIONS, FULL | {"path": path})
    assert (taken.status, taken.errors) == (422, ["path.taken"])
    changed = await admin.call("PUT", PERMISSIONS, {"id": number, "verb": "put", "topic": "demo"})
    assert (changed.status, changed.body["verb"], changed.body["topic"]) == (200, "PUT", "demo")
    removed = await admin.call("DELETE", PERMISSIONS, params={"id": number})
    assert (removed.status, removed.body) == (204, "")
    again = await admin.call("DELETE", PERMISSIONS, params={"id": number})
    assert (again.status, again.errors) == (404, ["admin.permission.doesnt_exist"])

    async def heard() -> list[Any]:
        mine = [event for event in ear.events if event.record.get("path") == path]
        return mine if len(mine) == 3 else []

    events = await until(heard)
    assert [event.name for event in events] == [
        "model.permission.created",
        "model.permission.updated",
        "model.permission.deleted",
    ]
    assert events[1].changes == {"verb": "PATCH", "topic": None}
    versions = [event.snapshot["policy_version"] for event in events]
    assert versions == sorted(set(versions))


async def test_of_fifty_alike_one_is_added(admin: Client) -> None:
    form = FULL | {"path": f"api/v2/{secrets.token_hex(6)}"}
    answers = await asyncio.gather(*(admin.post(PERMISSIONS, form) for _ in range(50)))

    assert sorted(answer.status for answer in answers) == [201] + [422] * 49


@pytest.mark.parametrize("name", ["", "/api/v2/", "api/v2/barong/"])
async def test_a_rule_protects_under_whatever_name_it_was_written(
    admin: Client, client: Client, name: str
) -> None:
    await client.become_member()
    key = f"label-{secrets.token_hex(6)}"
    path = f"resource/labels/{key}"
    assert (await client.get(path)).status == 404
    form = {"role": "member", "verb": "get", "path": name + path, "action": "drop"}
    added = await admin.post(PERMISSIONS, form)
    assert (added.status, added.body["path"]) == (201, f"api/v2/barong/{path}")

    async def status(expected: int) -> bool:
        return (await client.get(path)).status == expected

    assert await until(lambda: status(401), seconds=HEARD_SECONDS)
    assert (await client.get(path)).errors == ["authz.invalid_permission"]
    await admin.call("DELETE", PERMISSIONS, params={"id": added.body["id"]})
    assert await until(lambda: status(404), seconds=HEARD_SECONDS)
