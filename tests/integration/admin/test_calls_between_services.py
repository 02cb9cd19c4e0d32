"""How many internal calls an administrator's change costs: two at most, whatever is changed."""

from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.authenticator import second_factor_of
from tests.support.client import Client
from tests.support.system import Installation

MOST = 2
NO_ID = "00000000-0000-4000-8000-000000000000"
SERVICES = ("identity", "resource", "admin")
LABELS = "admin/users/labels"
PRIVATE = {"uid": "UID", "scope": "private", "key": "phone", "value": "verified"}
PUBLIC = {"uid": "UID", "key": "colour", "value": "green"}

CHANGES: list[tuple[str, str, dict[str, Any], int]] = [
    ("POST", LABELS, PRIVATE, 201),
    ("POST", LABELS, PUBLIC, 201),
    ("PUT", LABELS, {**PRIVATE, "key": "email", "value": "doubted"}, 200),
    ("POST", f"{LABELS}/update", PRIVATE, 201),
    ("POST", f"{LABELS}/update", {**PRIVATE, "key": "email"}, 201),
    ("DELETE", LABELS, {**PRIVATE, "key": "email"}, 204),
    ("PUT", "admin/users", {"uid": "UID", "state": "banned"}, 200),
    ("PUT", "admin/users", {"uid": "UID", "otp": "false"}, 200),
    ("POST", "admin/users/update", {"uid": "UID", "state": "locked"}, 201),
    ("POST", "admin/users/role", {"uid": "UID", "role": "trader"}, 201),
    ("DELETE", "admin/users/sessions", {"uid": "UID"}, 204),
    ("PUT", "admin/profiles", {"uid": "UID", "state": "verified"}, 200),
    ("PUT", "admin/profiles", {"uid": "UID", "first_name": "Ann"}, 200),
    ("DELETE", "admin/users/data_storage", {"uid": "UID", "title": "company"}, 204),
]
REFUSED: list[tuple[str, str, dict[str, Any], list[str]]] = [
    ("POST", LABELS, {**PRIVATE, "uid": "SUPERADMIN"}, ["admin.user.update_himself"]),
    ("POST", LABELS, {**PRIVATE, "uid": "ID0000000000"}, ["admin.user.doesnt_exist"]),
    ("POST", LABELS, {**PRIVATE, "key": "email"}, ["key.taken"]),
    ("PUT", "admin/users", {"uid": "UID", "state": "active"}, ["admin.user.state_no_change"]),
    ("DELETE", "admin/users/sessions", {"uid": "UID", "id": NO_ID}, ["admin.session.doesnt_exist"]),
]


@pytest.fixture
async def uid(client: Client) -> str:
    """A member with a second factor, a profile that waits for a verdict, and a data storage."""
    uid = str((await client.become_member()).body["uid"])
    profile = {"first_name": "John", "confirm": "true"}
    storage = {"title": "company", "data": "[]"}
    assert (await client.post("resource/profiles", profile)).status == 201
    assert (await client.post("resource/data_storage", storage)).status == 201
    await second_factor_of(client, uid)
    return uid


async def internal_calls(system: Installation) -> Mapping[tuple[str, str], int]:
    """Calls about users that services have answered each other so far, by service and route.

    Whom a session belongs to is the gateway's question, and the relays have events signed.
    """
    counts: dict[tuple[str, str], int] = {}
    async with aiohttp.ClientSession() as http:
        for name in SERVICES:
            async with http.get(f"{system.internal_url(name)}/metrics") as got:
                text = await got.text()
            for family in text_string_to_metric_families(text):
                for sample in family.samples if family.name == "http_requests" else ():
                    route = f"{sample.labels['method']} {sample.labels['route']}"
                    if sample.labels["route"].startswith(("/users", "/subjects", "/attachments")):
                        counts[name, route] = counts.get((name, route), 0) + int(sample.value)
    return counts


@pytest.mark.parametrize(
    ("method", "path", "form", "status"),
    [
        pytest.param(*change, id=f"{change[0]} {change[1]} {' '.join(change[2])} {number}")
        for number, change in enumerate(CHANGES)
    ],
)
async def test_a_change_costs_two_calls_at_most(
    system: Installation,
    admin: Client,
    uid: str,
    method: str,
    path: str,
    form: dict[str, Any],
    status: int,
) -> None:
    before = await internal_calls(system)
    answer = await admin.call(method, path, {**form, "uid": uid})
    after = await internal_calls(system)

    assert answer.status == status, answer.body
    made = {what: count - before.get(what, 0) for what, count in after.items()}
    made = {what: count for what, count in made.items() if count}
    assert 0 < sum(made.values()) <= MOST, made


@pytest.mark.parametrize(("method", "path", "form", "codes"), REFUSED)
async def test_a_refusal_costs_two_calls_at_most(
    system: Installation,
    admin: Client,
    uid: str,
    method: str,
    path: str,
    form: dict[str, Any],
    codes: list[str],
) -> None:
    superadmin = (await admin.get("resource/users/me")).body["uid"]
    whose = {"UID": uid, "SUPERADMIN": superadmin}
    before = await internal_calls(system)
    answer = await admin.call(method, path, {**form, "uid": whose.get(form["uid"], form["uid"])})
    after = await internal_calls(system)

    assert answer.errors == codes
    assert 0 < sum(after.values()) - sum(before.values()) <= MOST
