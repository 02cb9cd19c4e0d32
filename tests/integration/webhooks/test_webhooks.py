"""Webhooks, from the admin API through the gateway to a receiver on this machine."""

import asyncio
import base64
import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import asyncpg
import pytest
from aiohttp import web

from shared.process import running
from tests.support.client import Client
from tests.support.system import Installation
from tests.support.waiting import until
from tests.support.webhook_receiver import Received, Receiver, webhook_receiver

WEBHOOKS = "admin/webhooks"
LABELS = "model.label.updated"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with webhook_receiver() as made:
        yield made


@pytest.fixture
async def member(system: Installation) -> AsyncIterator[Client]:
    async with Client(system) as made:
        await made.become_member()
        yield made


async def endpoint(admin: Client, url: str, events: str = LABELS) -> dict[str, Any]:
    """A new endpoint, with its secret."""
    made = await admin.call("POST", WEBHOOKS, {"url": url, "events": events})
    assert made.status == 201, made.body
    found: dict[str, Any] = made.body
    return found


async def change_label(member: Client, key: str) -> None:
    """Makes one event `model.label.updated`: signing up makes none."""
    changed = {"value": "maybe"}
    made = await member.call("POST", "resource/labels", {"key": key, "value": "yes"})
    assert made.status == 201
    assert (await member.call("PATCH", f"resource/labels/{key}", changed)).status == 200


def verified(call: Received, secret: str) -> bool:
    """Whether one of the signatures is by this secret, as Standard Webhooks says."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    head = f"{call.headers['webhook-id']}.{call.headers['webhook-timestamp']}.".encode()
    expected = base64.b64encode(hmac.digest(key, head + call.body, hashlib.sha256)).decode()
    return f"v1,{expected}" in call.headers["webhook-signature"].split()


async def delivery(admin: Client, endpoint_id: int, state: str) -> dict[str, Any]:
    """The endpoint's newest delivery, once it is in this state."""

    async def found() -> Any:
        listed = await admin.call(
            "GET", f"{WEBHOOKS}/{endpoint_id}/deliveries", params={"state": state}
        )
        return listed.body and listed.body[0]

    made: dict[str, Any] = await until(found)
    return made


async def test_an_event_reaches_an_endpoint_signed_as_a_cloud_event(
    admin: Client, member: Client, receiver: Receiver
) -> None:
    made = await endpoint(admin, receiver.url)

    await change_label(member, "webhooked")

    (call,) = await receiver.next_calls(1)
    assert verified(call, made["secret"])
    assert call.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    event = json.loads(call.body)
    assert event["specversion"] == "1.0"
    assert (event["type"], event["source"]) == ("model.label.updated", "barong")
    assert event["id"] == call.headers["webhook-id"]
    assert event["subject"] == event["data"]["record"]["user"]["uid"]
    assert event["data"]["record"]["key"] == "webhooked"
    logged = await delivery(admin, made["id"], "delivered")
    assert (logged["status"], logged["attempts"], logged["error"]) == (200, 1, None)
    assert logged["payload"].encode() == call.body
    await admin.call("DELETE", f"{WEBHOOKS}/{made['id']}")


async def test_other_events_and_disabled_endpoints_get_nothing(
    admin: Client, member: Client, receiver: Receiver
) -> None:
    labels = await endpoint(admin, receiver.url)
    users = await endpoint(admin, f"{receiver.url}/users", "system.user.password.reset")
    off = await endpoint(admin, f"{receiver.url}/off")
    changed = await admin.call("PUT", f"{WEBHOOKS}/{off['id']}", {"state": "disabled"})
    assert (changed.status, changed.body["state"]) == (200, "disabled")

    await change_label(member, "only-labels")

    await delivery(admin, labels["id"], "delivered")
    uid = (await member.get("resource/users/me")).body["uid"]
    for other in (users, off):
        listed = await admin.call("GET", f"{WEBHOOKS}/{other['id']}/deliveries")
        # An event of another test may have been on its way.
        assert [each for each in listed.body if uid in each["payload"]] == []
    for made in (labels, users, off):
        assert (await admin.call("DELETE", f"{WEBHOOKS}/{made['id']}")).status == 204


async def test_a_failed_delivery_is_tried_again_with_the_same_id(
    admin: Client, member: Client, receiver: Receiver, system: Installation
) -> None:
    made = await endpoint(admin, receiver.url)
    receiver.answer = lambda: web.Response(status=500, text="not now")
    await change_label(member, "again")
    await receiver.next_calls(1)
    waiting = await until(lambda: noted(admin, made["id"]))
    assert (waiting["state"], waiting["status"], waiting["answer"]) == ("waiting", 500, "not now")
    shown = (await admin.call("GET", f"{WEBHOOKS}/{made['id']}")).body
    assert shown["failing_since"] is not None

    receiver.answer = web.Response
    await make_due(system, made["id"])

    first, second = await receiver.next_calls(2)
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert (await delivery(admin, made["id"], "delivered"))["attempts"] == 2
    shown = (await admin.call("GET", f"{WEBHOOKS}/{made['id']}")).body
    assert shown["failing_since"] is None
    await admin.call("DELETE", f"{WEBHOOKS}/{made['id']}")


async def noted(admin: Client, endpoint_id: int) -> Any:
    """The endpoint's newest delivery, once an attempt's outcome is stored."""
    listed = await admin.call("GET", f"{WEBHOOKS}/{endpoint_id}/deliveries")
    found = listed.body and listed.body[0]
    return found if found and (found["status"] or found["error"]) else None


async def make_due(system: Installation, endpoint_id: int) -> None:
    """Lets the next attempts of an endpoint's deliveries begin now."""
    async with webhooks_tables(system) as tables:
        await tables.execute(
            "UPDATE webhooks.deliveries SET next_at = now() WHERE endpoint_id = $1", endpoint_id
        )


@asynccontextmanager
async def webhooks_tables(
    system: Installation,
) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(system.environments["webhooks"]["DATABASE_URL"])
    try:
        yield connection
    finally:
        await connection.close()


async def test_an_endpoint_that_is_gone_is_disabled_and_an_event_says_so(
    admin: Client, member: Client, receiver: Receiver
) -> None:
    other = await endpoint(admin, f"{receiver.url}/watch", "system.webhook.*")
    receiver.answer = lambda: web.Response(status=410)
    made = await endpoint(admin, receiver.url)

    await change_label(member, "gone")

    async def disabled() -> bool:
        shown = (await admin.call("GET", f"{WEBHOOKS}/{made['id']}")).body
        return (shown["state"], shown["disabled_reason"]) == ("disabled", "gone")

    await until(disabled)
    assert (await delivery(admin, made["id"], "failed"))["status"] == 410

    async def told() -> bool:
        events = [json.loads(call.body) for call in receiver.calls]
        return any(
            event["type"] == "system.webhook.disabled"
            and event["data"]["record"]["id"] == made["id"]
            for event in events
        )

    await until(told)
    for each in (made, other):
        await admin.call("DELETE", f"{WEBHOOKS}/{each['id']}")


async def test_an_endpoint_that_fails_for_days_is_disabled_and_an_event_and_an_alert_say_so(
    admin: Client, member: Client, receiver: Receiver, system: Installation
) -> None:
    async with webhook_receiver() as watcher:
        other = await endpoint(admin, watcher.url, "system.webhook.*")
        receiver.answer = lambda: web.Response(status=500)
        made = await endpoint(admin, receiver.url)
        before = await disabled_for_failing(system)
        await change_label(member, "failing")
        await until(lambda: noted(admin, made["id"]))
        async with webhooks_tables(system) as tables:
            await tables.execute(
                """
                UPDATE webhooks.endpoints
                SET failing_since = now() - interval '73 hours'
                WHERE id = $1
                """,
                made["id"],
            )

        await make_due(system, made["id"])

        [call] = await watcher.next_calls(1)
        told = json.loads(call.body)["data"]["record"]
        assert (told["id"], told["reason"]) == (made["id"], "failing")
        shown = (await admin.call("GET", f"{WEBHOOKS}/{made['id']}")).body
        assert (shown["state"], shown["disabled_reason"]) == ("disabled", "failing")
        assert await disabled_for_failing(system) == before + 1  # which the alert counts
        for each in (made, other):
            await admin.call("DELETE", f"{WEBHOOKS}/{each['id']}")


async def disabled_for_failing(system: Installation) -> float:
    url = f"{system.internal_url('webhooks')}/metrics"
    async with aiohttp.ClientSession() as http, http.get(url) as response:
        text = await response.text()
    found = re.search(r'^webhook_endpoints_disabled_total\{.*"failing".*\} (.+)$', text, re.M)
    assert found is not None
    return float(found[1])


async def test_two_instances_share_the_deliveries(
    admin: Client, receiver: Receiver, system: Installation
) -> None:
    """Each is sent once, whoever sends it."""
    made = await endpoint(admin, receiver.url)
    free = {"BARONG_PORT": "0", "BARONG_INTERNAL_PORT": "0"}
    async with running(system.service("webhooks", **free)), webhooks_tables(system) as tables:
        await tables.execute(
            """
                INSERT INTO webhooks.deliveries (endpoint_id, event_id, name, payload)
                SELECT $1, gen_random_uuid(), 'model.label.updated', '{}'
                FROM generate_series(1, 200)
                """,
            made["id"],
        )
        await tables.execute("SELECT pg_notify('deliveries_webhooks', '')")

        async def all_delivered() -> bool:
            waiting: int = await tables.fetchval(
                """
                    SELECT count(*)
                    FROM webhooks.deliveries
                    WHERE endpoint_id = $1 AND state = 'waiting'
                    """,
                made["id"],
            )
            return waiting == 0

        await until(all_delivered, 30)
    ids = [call.headers["webhook-id"] for call in receiver.calls]
    assert (len(ids), len(set(ids))) == (200, 200)
    await admin.call("DELETE", f"{WEBHOOKS}/{made['id']}")


async def test_one_that_hangs_delays_no_other(
    admin: Client, member: Client, receiver: Receiver
) -> None:
    async with webhook_receiver() as slow:
        slow.hang = asyncio.Event()
        hanging = await endpoint(admin, slow.url)
        prompt = await endpoint(admin, receiver.url)

        for number in range(8):
            await change_label(member, f"beside-{number}")

        await receiver.next_calls(8, seconds=10)
        assert slow.calls  # it was called, and has not answered
        for each in (hanging, prompt):
            await admin.call("DELETE", f"{WEBHOOKS}/{each['id']}")


async def test_both_secrets_sign_after_a_rotation(
    admin: Client, member: Client, receiver: Receiver
) -> None:
    made = await endpoint(admin, receiver.url)
    rotated = await admin.call("POST", f"{WEBHOOKS}/{made['id']}/secret")
    assert rotated.status == 201
    assert rotated.body["secret"] != made["secret"]

    await change_label(member, "rotated")

    (call,) = await receiver.next_calls(1)
    assert verified(call, made["secret"])
    assert verified(call, rotated.body["secret"])
    shown = await admin.call("GET", f"{WEBHOOKS}/{made['id']}")
    assert "secret" not in shown.body
    await admin.call("DELETE", f"{WEBHOOKS}/{made['id']}")


async def test_a_test_call_tells_what_it_got(admin: Client, receiver: Receiver) -> None:
    made = await endpoint(admin, receiver.url)

    good = await admin.call("POST", f"{WEBHOOKS}/{made['id']}/test")
    receiver.answer = lambda: web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"})
    moved = await admin.call("POST", f"{WEBHOOKS}/{made['id']}/test")

    assert (good.status, good.body["succeeded"], good.body["status"]) == (200, True, 200)
    assert json.loads(receiver.calls[0].body)["type"] == "system.webhook.test"
    assert (moved.body["succeeded"], moved.body["status"]) == (False, 302)  # not followed
    await admin.call("DELETE", f"{WEBHOOKS}/{made['id']}")


async def test_deliveries_are_sent_again_on_demand(
    admin: Client, member: Client, receiver: Receiver
) -> None:
    made = await endpoint(admin, receiver.url)
    await change_label(member, "once-more")
    logged = await delivery(admin, made["id"], "delivered")

    again = await admin.call("POST", f"{WEBHOOKS}/{made['id']}/deliveries/{logged['id']}/resend")
    assert (again.status, again.body["state"]) == (202, "waiting")
    await receiver.next_calls(2)
    await delivery(admin, made["id"], "delivered")
    span = await admin.call(
        "POST", f"{WEBHOOKS}/{made['id']}/resend", {"since": "1", "failed_only": "false"}
    )

    assert (span.status, span.body) == (202, {"deliveries": 1})
    calls = await receiver.next_calls(3)
    assert len({call.headers["webhook-id"] for call in calls}) == 1
    await admin.call("DELETE", f"{WEBHOOKS}/{made['id']}")


async def test_what_is_left_of_an_erased_user_is_deleted(
    admin: Client, member: Client, receiver: Receiver, system: Installation
) -> None:
    consented = "system.oauth.consent.granted"
    made = await endpoint(admin, receiver.url, f"{LABELS},{consented}")
    await change_label(member, "personal")
    uid = json.loads((await receiver.next_calls(1))[0].body)["subject"]
    connection = await asyncpg.connect(system.environments["webhooks"]["DATABASE_URL"])
    try:
        count = "SELECT count(*) FROM webhooks.deliveries WHERE uid = $1"
        assert await connection.fetchval(count, uid) > 0
        await publish(system, "system.user.erased", {"uid": uid})

        async def gone() -> bool:
            return bool(await connection.fetchval(count, uid) == 0)

        await until(gone)
        # An event that waited while they were erased.
        await publish(system, consented, {"uid": uid, "client_id": "app", "scopes": ["openid"]})
        async with Client(system) as another:
            await another.become_member()
            await change_label(another, "of-another")
        calls = await receiver.next_calls(2)
        keys = [json.loads(call.body)["data"]["record"].get("key") for call in calls]
        assert keys == ["personal", "of-another"]
        assert await connection.fetchval(count, uid) == 0
    finally:
        await connection.close()
    await admin.call("DELETE", f"{WEBHOOKS}/{made['id']}")


async def publish(system: Installation, name: str, record: Any) -> None:
    """Lets identity-svc publish an event."""
    connection = await asyncpg.connect(system.environments["identity"]["DATABASE_URL"])
    try:
        await connection.execute(
            """
            INSERT INTO identity.outbox (event_id, name, record)
            VALUES (gen_random_uuid(), $1, $2)
            """,
            name,
            json.dumps(record),
        )
        await connection.execute("SELECT pg_notify('outbox_identity', '')")
    finally:
        await connection.close()


REFUSED: list[tuple[dict[str, str], str]] = [
    ({"events": LABELS}, "missing_url"),
    ({"url": "https://example.com/"}, "missing_events"),
    ({"url": "ftp://example.com/", "events": LABELS}, "invalid_url"),
    ({"url": "https://", "events": LABELS}, "invalid_url"),
    ({"url": "not a url", "events": LABELS}, "invalid_url"),
    ({"url": "https://user:secret@example.com/", "events": LABELS}, "invalid_url"),
    ({"url": "https://example.com/#here", "events": LABELS}, "invalid_url"),
    ({"url": "https://example.com/" + "x" * 2048, "events": LABELS}, "invalid_url"),
    ({"url": "https://example.com:99999/", "events": LABELS}, "invalid_url"),
    ({"url": "https://10.0.0.1/", "events": LABELS}, "forbidden_address"),
    ({"url": "https://169.254.169.254/latest", "events": LABELS}, "forbidden_address"),
    ({"url": "https://[::ffff:10.0.0.1]/", "events": LABELS}, "forbidden_address"),
    ({"url": "https://[fe80::1]/", "events": LABELS}, "forbidden_address"),
    ({"url": "https://example.com/", "events": "model.nothing"}, "invalid_events"),
    ({"url": "https://example.com/", "events": "model.us*"}, "invalid_events"),
    ({"url": "https://example.com/", "events": ""}, "missing_events"),
    # Its token would let the receiver confirm the address.
    (
        {"url": "https://example.com/", "events": "system.user.email.confirmation.token"},
        "invalid_events",
    ),
    ({"url": "https://example.com/", "events": LABELS, "state": "asleep"}, "invalid_state"),
]


@pytest.mark.parametrize(("given", "code"), REFUSED)
async def test_what_is_no_endpoint_is_refused(
    admin: Client, given: dict[str, str], code: str
) -> None:
    refused = await admin.call("POST", WEBHOOKS, given)

    assert (refused.status, refused.errors) == (422, [f"admin.webhook.{code}"])


@pytest.mark.parametrize(
    ("verb", "path", "code"),
    [
        ("GET", "999999", "doesnt_exist"),
        ("PUT", "999999", "doesnt_exist"),
        ("DELETE", "999999", "doesnt_exist"),
        ("POST", "999999/secret", "doesnt_exist"),
        ("POST", "999999/test", "doesnt_exist"),
        ("GET", "999999/deliveries", "doesnt_exist"),
        ("POST", "999999/deliveries/1/resend", "delivery_doesnt_exist"),
    ],
)
async def test_what_is_not_there_is_404(admin: Client, verb: str, path: str, code: str) -> None:
    refused = await admin.call(verb, f"{WEBHOOKS}/{path}")

    assert (refused.status, refused.errors) == (404, [f"admin.webhook.{code}"])


async def test_a_member_has_no_webhooks(member: Client) -> None:
    assert (await member.call("GET", WEBHOOKS)).status == 401
    assert (
        await member.call("POST", WEBHOOKS, {"url": "https://a.b/", "events": "*"})
    ).status == 401
