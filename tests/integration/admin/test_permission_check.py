"""GET /admin/permissions/check through the gateway: what permissions would decide."""

import json
import secrets
from typing import Any

import pytest

from tests.support.client import Client
from tests.support.staff import promote
from tests.support.system import Installation
from tests.support.waiting import until

CHECK = "admin/permissions/check"
CALL = {"role": "member", "verb": "GET", "path": "admin/users"}
RULE = {"role": "trader", "verb": "get", "path": "admin/users", "action": "accept"}


def both(name: str) -> list[str]:
    return [f"admin.permission.missing_{name}", f"admin.permission.empty_{name}"]


REFUSED: list[tuple[dict[str, str], list[str]]] = [
    ({}, [*both("role"), *both("verb"), *both("path")]),
    *(({k: v for k, v in CALL.items() if k != name}, both(name)) for name in CALL),
    *((CALL | {name: " "}, [f"admin.permission.empty_{name}"]) for name in CALL),
    (CALL | {"verb": "fetch"}, ["admin.permissions.invalid_verb"]),
    (CALL | {"verb": "all"}, ["admin.permissions.invalid_verb"]),
    (CALL | {"path": "admin/../users"}, ["admin.permissions.invalid_path"]),
    (CALL | {"path": "//x"}, ["admin.permissions.invalid_path"]),
    (CALL | {"path": "x" * 3000}, ["admin.permissions.invalid_path"]),
    (CALL | {"role": "a\x07"}, ["admin.permission.role_doesnt_exist"]),
    *(
        (CALL | {"rules": rules}, ["admin.permissions.invalid_rules"])
        for rules in ("nojson", "{}", "[1]", "[{}]", "[" * 2000, '[{"role":"a"}]')
    ),
    (
        CALL | {"rules": json.dumps([RULE | {"role": CALL["role"], "topic": "\ud800"}])},
        ["admin.permissions.invalid_rules"],
    ),
    (CALL | {"rules": json.dumps([RULE | {"verb": "x"}])}, ["admin.permissions.invalid_verb"]),
    (CALL | {"rules": json.dumps([RULE | {"action": "x"}])}, ["admin.permissions.invalid_action"]),
    (CALL | {"rules": json.dumps([RULE | {"path": "a//b"}])}, ["admin.permissions.invalid_path"]),
]


@pytest.mark.parametrize(("params", "codes"), REFUSED)
async def test_refused(admin: Client, params: dict[str, str], codes: list[str]) -> None:
    answer = await admin.get(CHECK, params=params)

    assert (answer.status, answer.errors) == (422, codes)


async def test_it_says_what_would_be_decided_and_why(admin: Client) -> None:
    allowed = await admin.get(
        CHECK, params={"role": "compliance", "verb": "put", "path": "admin/users"}
    )
    assert allowed.status == 200
    assert list(allowed.body) == [
        *("path", "allowed", "action", "audited", "topic", "permissions"),
    ]
    assert allowed.body["path"] == "/api/v2/barong/admin/users"
    verdict = [allowed.body[name] for name in ("allowed", "action", "audited", "topic")]
    assert verdict == [True, "ACCEPT", True, None]
    said = [(each["path"], each["verb"], each["action"]) for each in allowed.body["permissions"]]
    assert said == [
        ("api/v2", "PUT", "AUDIT"),
        ("api/v2/barong/admin/users", "ALL", "ACCEPT"),
    ]
    assert all(isinstance(each["id"], int) for each in allowed.body["permissions"])

    dropped = await admin.get(
        CHECK, params={"role": "admin", "verb": "POST", "path": "/api/v2/admin/permissions/"}
    )
    assert (dropped.body["allowed"], dropped.body["action"]) == (False, "DROP")
    nothing = await admin.get(CHECK, params={"role": "nobody", "verb": "GET", "path": "/"})
    assert (nothing.body["allowed"], nothing.body["action"]) == (False, None)
    assert nothing.body["permissions"] == []


async def test_candidates_are_tried_in_place_of_the_table_and_change_nothing(
    admin: Client,
) -> None:
    before = (await admin.get("admin/permissions")).headers["Total"]
    rules = [RULE, RULE | {"verb": "all", "path": "admin/users/x", "action": "drop", "topic": "t"}]
    params = {
        "role": "trader",
        "verb": "GET",
        "path": "admin/users/x/y",
        "rules": json.dumps(rules),
    }

    answer = await admin.get(CHECK, params=params)

    assert (answer.status, answer.body["allowed"], answer.body["action"]) == (200, False, "DROP")
    assert answer.body["permissions"] == [
        RULE
        | {"verb": "GET", "path": "api/v2/barong/admin/users", "action": "ACCEPT", "topic": None},
        {
            "role": "trader",
            "verb": "ALL",
            "path": "api/v2/barong/admin/users/x",
            "action": "DROP",
            "topic": "t",
        },
    ]
    emptied = await admin.get(CHECK, params=CALL | {"role": "superadmin", "rules": "[]"})
    assert (emptied.status, emptied.body["allowed"]) == (200, False)
    assert (await admin.get("admin/permissions")).headers["Total"] == before


async def test_the_gateway_decides_the_same(admin: Client, system: Installation) -> None:
    async with Client(system) as staff:
        await promote(admin, staff, "technical")
        for method, path in (
            ("GET", "admin/users"),
            ("GET", "admin/permissions"),
            ("PUT", "admin/users"),
            ("GET", "resource/users/me"),
            ("HEAD", "admin/levels"),
            ("GET", "admin/activities/admin"),
        ):
            answer = await staff.call(method, path)
            tried = await admin.get(
                CHECK, params={"role": "technical", "verb": method, "path": path}
            )
            assert tried.body["allowed"] == (answer.status != 401), (method, path)


async def test_a_change_is_seen_by_the_next_trial_and_soon_by_the_gateway(
    admin: Client, client: Client
) -> None:
    await client.become_member()
    path = f"resource/{secrets.token_hex(6)}"
    params = {"role": "member", "verb": "GET", "path": path}
    rule: dict[str, Any] = {"role": "member", "verb": "get", "path": path, "action": "drop"}
    assert (await admin.get(CHECK, params=params)).body["allowed"]

    made = await admin.post("admin/permissions", rule)
    assert made.status == 201
    assert (await admin.get(CHECK, params=params)).body["action"] == "DROP"

    async def refused() -> bool:
        return bool((await client.get(path)).status == 401)

    assert await until(refused)
    await admin.call("DELETE", "admin/permissions", params={"id": made.body["id"]})
    assert (await admin.get(CHECK, params=params)).body["allowed"]


async def test_only_a_superadmin_tries(admin: Client, system: Installation) -> None:
    async with Client(system) as staff:
        await promote(admin, staff, "admin")
        answer = await staff.get(CHECK, params=CALL)
    assert (answer.status, answer.errors) == (401, ["authz.invalid_permission"])
