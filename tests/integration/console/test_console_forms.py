"""Forms of the console, as a browser without JavaScript sends them, and what the API says then."""

import json
import re
import secrets
from collections.abc import AsyncIterator
from typing import Any

import aio_pika
import pytest
from aiohttp import web

from shared.contracts.topology import WEBHOOKS
from shared.messaging.broker import connected, declare_topology
from tests.support.authenticator import second_factor_of
from tests.support.client import Client
from tests.support.pages import Pages, Shown
from tests.support.staff import promote
from tests.support.system import Installation
from tests.support.waiting import until
from tests.support.webhook_receiver import Receiver, webhook_receiver

PERMISSIONS = "/console/permissions"
RESTRICTIONS = "/console/restrictions"
HOOKS = "/console/webhooks"
LETTERS = f"/console/dead-letters/{WEBHOOKS.queue}"


@pytest.fixture(scope="module")
async def superadmin(system: Installation, admin: Client) -> AsyncIterator[Pages]:
    """The browser of somebody of that role."""
    async with Client(system) as person, Pages(system) as made:
        await promote(admin, person, "superadmin")
        await made.log_in(person.email)
        yield made


@pytest.fixture(scope="module")
async def member(system: Installation) -> AsyncIterator[Client]:
    """Whom the tests of this file change; each changes something else."""
    async with Client(system) as made:
        await made.become_member()
        yield made


@pytest.fixture
async def page(superadmin: Pages, member: Client, admin: Client) -> str:
    """The page of the member, which the directory has."""
    uid = (await user_of(admin, member))["uid"]
    return f"/console/users/{uid}"


async def user_of(admin: Client, member: Client) -> dict[str, Any]:
    """The member as administrators see them."""

    async def known() -> Any:
        found = (await admin.get("admin/users", params={"email": member.email})).body
        return found and (await admin.get(f"admin/users/{found[0]['uid']}")).body

    user: dict[str, Any] = await until(known)
    return user


async def test_a_role_is_given(superadmin: Pages, admin: Client, member: Client, page: str) -> None:
    refused = await superadmin.fill_in(page, f"{page}/role", role="emperor")
    assert refused.status == 422
    assert "There is no such role." in refused.text
    given = await superadmin.fill_in(page, f"{page}/role", role="trader")
    assert "The user is changed." in given.text

    async def felt() -> bool:
        return str((await user_of(admin, member))["role"]) == "trader"

    await until(felt)


async def test_a_second_factor_is_turned_off(
    superadmin: Pages, admin: Client, client: Client
) -> None:
    uid = str((await client.become_member()).body["uid"])
    page = f"/console/users/{uid}"
    await user_of(admin, client)
    await second_factor_of(client, uid)
    off = f"{page}/second-factor"

    async def offered() -> bool:
        return any(form.action == off for form in (await superadmin.get(page)).forms)

    await until(offered)
    assert "The user is changed." in (await superadmin.fill_in(page, off)).text
    assert (await client.log_in()).status == 201  # without a code


async def test_a_label_is_written_and_removed(
    superadmin: Pages, admin: Client, member: Client, page: str
) -> None:
    key = f"of-{secrets.token_hex(4)}"
    typed = {"key": key, "value": "gold", "scope": "public", "description": "<b>By hand</b>"}
    written = await superadmin.fill_in(page, f"{page}/labels", **typed)
    assert "The user is changed." in written.text
    assert await label_of(admin, member, key) == ("gold", "public")
    shown = await superadmin.get(page)
    assert "<b>By hand</b>" in shown.text
    await superadmin.send(shown, f"{page}/labels", {}, **{**typed, "value": "silver"})
    assert await label_of(admin, member, key) == ("silver", "public")
    mine = {"key": key, "scope": "public"}
    removed = await superadmin.send(shown, f"{page}/labels/removal", mine)
    assert "The user is changed." in removed.text
    assert await label_of(admin, member, key) is None


async def label_of(admin: Client, member: Client, key: str) -> tuple[str, str] | None:
    """The value and the scope of a label."""
    labels = (await user_of(admin, member))["labels"]
    return next(((each["value"], each["scope"]) for each in labels if each["key"] == key), None)


async def test_a_permission_is_added_and_removed(superadmin: Pages, admin: Client) -> None:
    path = f"api/v2/of-a-test/{secrets.token_hex(4)}"
    rule = {"role": "partner", "verb": "GET", "path": path, "action": "ACCEPT"}
    added = await superadmin.fill_in(PERMISSIONS, **rule, topic="tests")
    assert "The permission is added." in added.text
    assert path in added.text  # the page shows it, however many there are
    (made,) = [each for each in await all_of(admin, "admin/permissions") if each["path"] == path]
    assert rule.items() <= made.items()
    dry = await superadmin.get(f"{PERMISSIONS}?role=partner&verb=GET&path={path}/below")
    assert "Allowed." in dry.text
    removed = await superadmin.send(added, f"{PERMISSIONS}/removal", {"id": str(made["id"])})
    assert "The permission is removed." in removed.text
    assert all(each["path"] != path for each in await all_of(admin, "admin/permissions"))
    again = await superadmin.send(added, f"{PERMISSIONS}/removal", {"id": str(made["id"])})
    assert again.status in (404, 422)


async def all_of(admin: Client, path: str) -> list[dict[str, Any]]:
    """All records of a list."""
    found: list[dict[str, Any]] = []
    while True:
        number = str(len(found) // 100 + 1)
        answer = await admin.get(path, params={"limit": "100", "page": number})
        found += answer.body
        if len(answer.body) < 100:
            return found


async def test_a_restriction_is_enabled_and_removed(superadmin: Pages, admin: Client) -> None:
    value = f"192.0.2.{secrets.randbelow(100) + 1}/32"
    typed = {"category": "blacklist", "scope": "ip_subnet", "value": value, "state": "disabled"}
    added = await superadmin.fill_in(RESTRICTIONS, **typed)
    assert "The restriction is added." in added.text

    async def mine() -> list[dict[str, Any]]:
        return [
            each for each in await all_of(admin, "admin/restrictions") if each["value"] == value
        ]

    (made,) = await mine()
    own = {"id": str(made["id"])}
    state = f"{RESTRICTIONS}/state"
    for wanted in ("enabled", "disabled"):
        changed = await superadmin.send(added, state, own, state=wanted)
        assert "The restriction is changed." in changed.text
        assert [each["state"] for each in await mine()] == [wanted]
    removed = await superadmin.send(added, f"{RESTRICTIONS}/removal", own)
    assert "The restriction is removed." in removed.text
    assert await mine() == []


async def test_a_whitelink_lets_an_address_in(
    superadmin: Pages, admin: Client, client: Client
) -> None:
    action = f"{RESTRICTIONS}/whitelink"
    refused = await superadmin.fill_in(RESTRICTIONS, action, expire_time="soon")
    assert refused.status in (400, 422)
    assert refused.form(action).fields["expire_time"] == "soon"
    assert "198.18.77.7" not in [r["value"] for r in await all_of(admin, "admin/restrictions")]
    made = await superadmin.fill_in(RESTRICTIONS, action, expire_time="1", range="hour")
    assert "The link is shown only now: copy it" in made.text
    token = re.search(r"[0-9a-zA-Z_-]{32,}(?=</code>)", made.html)
    assert token is not None
    form, address = {"whitelink_token": token[0]}, {"X-Forwarded-For": "198.18.77.7"}
    assert (await client.post("identity/users/access", form, headers=address)).status == 201
    for each in await all_of(admin, "admin/restrictions"):
        if each["value"] == "198.18.77.7":
            await admin.call("DELETE", "admin/restrictions", {"id": each["id"]})


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with webhook_receiver() as made:
        yield made


async def with_endpoint(admin: Client, receiver: Receiver) -> str:
    """The id of a new endpoint of this receiver, made by the API."""
    form = {"url": receiver.url, "events": "model.label.updated"}
    made = await admin.post("admin/webhooks", form)
    assert made.status == 201
    return str(made.body["id"])


async def test_an_endpoint_is_added(superadmin: Pages, admin: Client, receiver: Receiver) -> None:
    typed = {"url": receiver.url, "events": "model.label.updated", "description": "Of <b>tests"}
    wrong = await superadmin.fill_in(HOOKS, **{**typed, "events": "model.nothing"})
    assert wrong.status == 422
    assert wrong.form(HOOKS).fields["url"] == receiver.url
    added = await superadmin.fill_in(HOOKS, **typed)
    secret = re.search(r"whsec_[A-Za-z0-9+/=]+", added.html)
    assert secret is not None
    assert "The endpoint's secret is shown only now: copy it." in added.text
    (made,) = [e for e in await all_of(admin, "admin/webhooks") if e["url"] == receiver.url]
    assert (made["description"], made["state"]) == (typed["description"], "active")
    deliveries = await superadmin.get(f"{HOOKS}/{made['id']}/deliveries")
    assert "Of <b>tests" in deliveries.text
    assert secret[0] not in deliveries.html
    await admin.call("DELETE", f"admin/webhooks/{made['id']}", {})


async def test_an_example_is_sent(superadmin: Pages, admin: Client, receiver: Receiver) -> None:
    own = await with_endpoint(admin, receiver)
    action = f"{HOOKS}/{own}/test"
    shown = await listed(superadmin, own)
    tested = await superadmin.send(shown, action, {})
    assert "The example arrived." in tested.text
    assert len(receiver.calls) == 1
    receiver.answer = _refuse
    failed = await superadmin.send(shown, action, {})
    assert "The example did not arrive. 418" in failed.text
    assert "<script>" not in failed.html
    await admin.call("DELETE", f"admin/webhooks/{own}", {})


def _refuse() -> web.StreamResponse:
    return web.Response(status=418, text="<script>alert(1)</script>")


async def listed(superadmin: Pages, own: str) -> Shown:
    """The page of the list that shows the endpoint."""
    number = 1
    while True:
        shown = await superadmin.get(f"{HOOKS}?page={number}")
        if f"{HOOKS}/{own}/deliveries" in shown.html:
            return shown
        assert 'rel="next"' in shown.html
        number += 1


async def test_an_endpoint_is_disabled_and_removed(
    superadmin: Pages, admin: Client, receiver: Receiver
) -> None:
    own = await with_endpoint(admin, receiver)
    for wanted in ("disabled", "active"):
        shown = await listed(superadmin, own)
        changed = await superadmin.send(shown, f"{HOOKS}/{own}/state", {"state": wanted})
        assert "The endpoint is changed." in changed.text
        assert (await admin.get(f"admin/webhooks/{own}")).body["state"] == wanted
    removed = await superadmin.send(await listed(superadmin, own), f"{HOOKS}/{own}/removal", {})
    assert "The endpoint is removed." in removed.text
    assert (await admin.get(f"admin/webhooks/{own}")).status == 404


async def test_a_delivery_is_sent_again(
    superadmin: Pages, admin: Client, member: Client, receiver: Receiver
) -> None:
    own = await with_endpoint(admin, receiver)
    key = f"sent{secrets.token_hex(4)}"
    assert (await member.post("resource/labels", {"key": key, "value": "yes"})).status == 201
    changed = await member.call("PATCH", f"resource/labels/{key}", {"value": "not"})
    assert changed.status == 200
    await receiver.next_calls(1)
    page = f"{HOOKS}/{own}/deliveries"

    async def delivered() -> bool:
        found = (await admin.get(f"admin/webhooks/{own}/deliveries")).body
        return bool(found) and found[0]["state"] == "delivered"

    await until(delivered)
    shown = await superadmin.get(page)
    assert "model.label.updated" in shown.text
    again = await superadmin.send(shown, page, {})
    assert "The delivery is sent again." in again.text
    first, second = (await receiver.next_calls(2))[:2]
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    await admin.call("DELETE", f"admin/webhooks/{own}", {})


HOSTILE = "<img src=x onerror=alert(1)>"


async def with_letters(system: Installation, *ids: str) -> None:
    """Sets events aside, as a broker has them that was fed by strangers."""
    url = system.environments["webhooks"]["AMQP_URL"]
    async with connected(url, "tests") as connection:
        channel = await connection.channel(publisher_confirms=True)
        await declare_topology(channel)
        for each in ids:
            letter = aio_pika.Message(HOSTILE.encode(), message_id=each, type=HOSTILE)
            await channel.default_exchange.publish(letter, WEBHOOKS.dead_letters)


async def number_of_letters(admin: Client) -> int:
    """How many there are; looking at them takes them away for a moment."""
    counts = (await admin.get("admin/dead_letters")).body
    return next(int(each["number"]) for each in counts if each["queue"] == WEBHOOKS.queue)


async def letters(admin: Client) -> dict[str, str]:
    """The reasons of all dead letters of the queue."""
    found = (await admin.get(f"admin/dead_letters/{WEBHOOKS.queue}")).body
    return {each["id"]: each["reason"] or "" for each in found}


async def test_a_dead_letter_is_given_to_the_service_again(
    superadmin: Pages, admin: Client
) -> None:
    """The service sets it aside once more, and says why."""
    one, other = (f"{HOSTILE}{secrets.token_hex(4)}" for _ in range(2))
    await with_letters(superadmin.system, one, other)
    before = await number_of_letters(admin)
    shown = await superadmin.get(LETTERS)
    assert HOSTILE not in shown.html
    assert one in shown.text
    replayed = await superadmin.send(shown, f"{LETTERS}/replay", {"id": one})
    assert "The service gets the events again." in replayed.text

    async def back() -> bool:
        return await number_of_letters(admin) >= before

    await until(back)
    reasons = await letters(admin)
    assert "untrusted" in reasons[one]
    assert "untrusted" not in reasons[other]
    everything = await superadmin.send(shown, f"{LETTERS}/replay", {}, id="")
    assert "The service gets the events again." in everything.text
    await until(back)
    assert "untrusted" in (await letters(admin))[other]
    contents = await superadmin.get(f"{LETTERS}/contents", params={"id": one})
    assert (contents.status, HOSTILE in contents.html) == (200, False)
    assert HOSTILE in contents.text
    for each in (one, other):
        await admin.call("DELETE", f"admin/dead_letters/{WEBHOOKS.queue}", {"id": each})


async def test_a_dead_letter_is_dropped(superadmin: Pages, admin: Client) -> None:
    one, other = (f"{secrets.token_hex(8)}" for _ in range(2))
    await with_letters(superadmin.system, one, other)
    shown = await superadmin.get(LETTERS)
    dropped = await superadmin.send(shown, f"{LETTERS}/drop", {"id": one})
    assert "The events are dropped." in dropped.text
    found = await letters(admin)
    assert one not in found
    assert other in found
    again = await superadmin.send(shown, f"{LETTERS}/drop", {"id": one})
    assert again.status == 404
    await superadmin.send(shown, f"{LETTERS}/drop", {"id": other})
    assert other not in await letters(admin)


async def test_audits_of_administrators_are_exported(
    superadmin: Pages, admin: Client, member: Client, page: str
) -> None:
    key = f"audited-{secrets.token_hex(4)}"
    typed = {"key": key, "value": "yes", "scope": "private"}
    await superadmin.fill_in(page, f"{page}/labels", **typed)
    uid = page.rpartition("/")[2]
    export = f"/console/activities/administrators/export?target_uid={uid}"

    async def exported() -> str:
        shown = await superadmin.get(f"{export}&format=csv")
        assert shown.status == 200
        assert shown.headers["Content-Disposition"].endswith('"administrators.csv"')
        return shown.html if key in shown.html else ""

    assert uid in await until(exported)
    as_json = await superadmin.get(f"{export}&format=jsonl")
    assert all(uid in line for line in as_json.html.splitlines())
    assert any(key in json.loads(line)["data"] for line in as_json.html.splitlines())
    assert (await superadmin.get(f"{export}&format=xml")).status == 404
