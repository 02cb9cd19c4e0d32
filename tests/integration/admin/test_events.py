"""Published events, their replays and dead letters, as administrators see them."""

import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from shared.contracts.events import Event
from shared.contracts.topology import AUDITS, MAILER
from shared.messaging.broker import connected
from shared.messaging.envelope import sign
from tests.support.client import Client
from tests.support.internal import tables_of_admin
from tests.support.messaging import KEY, contents, messages
from tests.support.seeds import command, outcome
from tests.support.system import Installation
from tests.support.waiting import until


@pytest.fixture
async def channel(system: Installation) -> AsyncIterator[AbstractChannel]:
    async with connected(system.environments["admin"]["AMQP_URL"], "test") as connection:
        yield await connection.channel()


@contextlib.asynccontextmanager
async def a_queue(channel: AbstractChannel) -> AsyncIterator[str]:
    name = f"subscriber-{uuid.uuid4().hex}"
    await channel.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum"})
    try:
        yield name
    finally:
        await channel.queue_delete(name)


async def published(admin: Client, count: int, **wanted: Any) -> list[Mapping[str, Any]]:
    """The events, the newest first, once there are so many."""

    async def found() -> list[Mapping[str, Any]]:
        answer = await admin.get("admin/events", params=wanted)
        assert answer.status == 200, answer
        return answer.body if len(answer.body) >= count else []

    return await until(found)


async def set_aside(
    channel: AbstractChannel, queue: str, body: bytes, name: str = "model.user.updated"
) -> str:
    number = str(uuid.uuid4())
    message = aio_pika.Message(body, message_id=number, type=name, headers={"x-reason": "KeyError"})
    await channel.default_exchange.publish(message, f"{queue}.dead")
    return number


async def of_trail(system: Installation, action: str) -> list[tuple[str, str | None]]:
    async with tables_of_admin(system) as tables:
        rows = await tables.fetch(
            "SELECT kind, result FROM audit_entries WHERE action = $1 ORDER BY id DESC LIMIT 2",
            action,
        )
    return [(row["kind"], row["result"]) for row in reversed(rows)]


async def test_published_events_are_found_and_paged(admin: Client, client: Client) -> None:
    uid = (await client.become_member()).body["uid"]
    await client.post("resource/labels", {"key": "color", "value": "red"})
    off = {"scope": "ip", "value": "203.0.113.77", "category": "blacklist", "state": "disabled"}
    made = await admin.post("admin/restrictions", off)
    removed = await admin.call("DELETE", "admin/restrictions", {"id": made.body["id"]})
    assert removed.status == 204

    of_user = {"service": "identity-svc", "uid": uid}
    events = await published(admin, 2, **of_user, name="model.user.*")
    assert {event["name"] for event in events} == {"model.user.created", "model.user.updated"}
    assert events[-1]["name"] == "model.user.created"
    assert {event["uid"] for event in events} == {uid}
    assert all(event["complete"] for event in events)
    [token] = await published(admin, 1, **of_user, name="system.user.email.confirmation.token")
    assert token["complete"] is False
    assert "token" not in token["record"]
    labels = await published(admin, 2, service="resource-svc", uid=uid, name="model.label.created")
    assert {event["record"]["key"] for event in labels} == {"email", "color"}
    assert await published(admin, 1, service="admin-svc", limit=1)

    paged: list[str] = []
    cursor = ""
    while True:
        answer = await admin.get("admin/events", params={**of_user, "limit": 1, "cursor": cursor})
        paged += [event["id"] for event in answer.body]
        cursor = answer.headers.get("Next-Cursor", "")
        if not cursor:
            break
    everything = await published(admin, len(paged), **of_user)
    assert paged == [event["id"] for event in everything]


async def test_a_replay_over_http(
    admin: Client, client: Client, channel: AbstractChannel, system: Installation
) -> None:
    uid = (await client.become_member()).body["uid"]
    which = {"service": "identity-svc", "uid": uid, "name": "model.user.*"}
    events = await published(admin, 2, **which)
    async with a_queue(channel) as queue:
        begun = await admin.post("admin/events/replays", {**which, "queue": queue})
        assert (begun.status, begun.body["service"]) == (202, "identity-svc")

        async def done() -> Mapping[str, Any]:
            listed = await admin.get("admin/events/replays", params={"service": "identity-svc"})
            [mine] = [each for each in listed.body if each["id"] == begun.body["id"]]
            return mine if mine["state"] == "done" else {}

        assert (await until(done))["replayed"] == len(events)
        taken = await contents(channel, queue, len(events))
        assert [each.message_id for each in taken] == [each["id"] for each in reversed(events)]
    ended = await admin.call(
        "DELETE", f"admin/events/replays/{begun.body['id']}", params={"service": "identity-svc"}
    )
    assert (ended.status, ended.errors) == (404, ["admin.event.replay_doesnt_exist"])
    assert await of_trail(system, "events.replayed") == [("intent", None), ("outcome", "done")]
    assert await of_trail(system, "events.replay_cancelled") == [
        ("intent", None),
        ("outcome", "refused"),
    ]


@pytest.mark.parametrize(
    ("service", "made", "form", "name"),
    [
        (
            *("webhooks-svc", "admin/webhooks"),
            {"url": "http://127.0.0.1:9", "events": "model.*"},
            "model.webhook.created",
        ),
        (
            *("oauth-svc", "admin/oauth_clients"),
            {"name": "app", "redirect_uris": "https://a.example/back"},
            "model.oauth_client.created",
        ),
    ],
    ids=["webhooks-svc", "oauth-svc"],
)
async def test_events_of_services_around_the_core_are_found_and_replayed(
    service: str,
    made: str,
    form: dict[str, str],
    name: str,
    admin: Client,
    channel: AbstractChannel,
) -> None:
    answer = await admin.post(made, form)
    assert answer.status == 201, answer
    which = {"service": service, "name": name}
    events = await published(admin, 1, **which)
    assert {event["name"] for event in events} == {name}
    async with a_queue(channel) as queue:
        begun = await admin.post("admin/events/replays", {**which, "queue": queue})
        assert (begun.status, begun.body["service"]) == (202, service)
        taken = await contents(channel, queue, len(events))
        assert [each.message_id for each in taken] == [each["id"] for each in reversed(events)]

        async def done() -> bool:
            listed = await admin.get("admin/events/replays", params={"service": service})
            return [r["state"] for r in listed.body if r["id"] == begun.body["id"]] == ["done"]

        await until(done)
    again = await admin.call(
        "DELETE", f"admin/events/replays/{begun.body['id']}", params={"service": service}
    )
    assert (again.status, again.errors) == (404, ["admin.event.replay_doesnt_exist"])


@pytest.mark.parametrize(
    ("package", "environment"), [("webhooks_svc", "webhooks"), ("oauth_svc", "oauth")]
)
async def test_their_commands_show_events(
    package: str, environment: str, system: Installation
) -> None:
    told = system.environments[environment]
    shown = await command(package, "events", told, "tail", "--no-follow")
    assert all(json.loads(line)["name"] for line in shown.splitlines())
    code, said = await outcome(package, "events", told, "replay", "--to", "nobody")
    assert (code, "the broker has no queue nobody" in said) == (1, True)


@pytest.mark.parametrize(
    ("method", "path", "form", "status", "codes"),
    [
        (
            *("GET", "admin/events", {}, 422),
            ["admin.event.missing_service", "admin.event.empty_service"],
        ),
        ("GET", "admin/events", {"service": ""}, 422, ["admin.event.empty_service"]),
        ("GET", "admin/events", {"service": "mailer-svc"}, 422, ["admin.event.invalid_service"]),
        ("GET", "admin/events", {"name": "#.a"}, 422, ["admin.event.invalid_name"]),
        ("GET", "admin/events", {"cursor": "x"}, 422, ["admin.event.invalid_cursor"]),
        ("GET", "admin/events", {"limit": "101"}, 422, ["invalid_limit"]),
        (
            *("POST", "admin/events/replays", {}, 422),
            ["admin.event.missing_queue", "admin.event.empty_queue"],
        ),
        (
            *("POST", "admin/events/replays", {"queue": "nobody-declared-this"}, 422),
            ["admin.event.queue_doesnt_exist"],
        ),
        (
            *("POST", "admin/events/replays", {"queue": "ü" * 200}, 422),
            ["admin.event.invalid_queue"],
        ),
        ("DELETE", "admin/events/replays/x", {}, 422, ["admin.event.invalid_id"]),
        (
            *("GET", "admin/dead_letters/nobody", {}, 404),
            ["admin.dead_letter.queue_doesnt_exist"],
        ),
        (
            *("POST", "admin/dead_letters/mailer-svc/replay", {}, 422),
            ["admin.dead_letter.missing_id", "admin.dead_letter.empty_id"],
        ),
        (
            *("DELETE", "admin/dead_letters/mailer-svc", {"id": "x"}, 404),
            ["admin.dead_letter.doesnt_exist"],
        ),
        ("GET", "admin/snapshots/users", {"limit": "501"}, 422, ["invalid_limit"]),
        (
            "GET",
            "admin/snapshots/users",
            {"cursor": "x" * 65},
            422,
            ["admin.snapshot.invalid_cursor"],
        ),
    ],
)
async def test_what_is_wrong_has_a_code(
    admin: Client, method: str, path: str, form: dict[str, str], status: int, codes: list[str]
) -> None:
    service = {} if "service" in form or "missing_service" in codes[0] else {"service": "admin-svc"}
    asked = {**service, **form}
    options: dict[str, Any] = {"form": asked} if method == "POST" else {"params": asked}
    answer = await admin.call(method, path, **options)

    assert (answer.status, answer.errors) == (status, codes)


async def test_dead_letters_are_shown_without_secrets_replayed_and_dropped(
    admin: Client, channel: AbstractChannel, system: Installation
) -> None:
    event = Event(
        name="system.user.password.reset.token",
        record={"user": {"uid": "ID1"}, "domain": "x"},
        secrets={"token": "eyJ-secret"},
    )
    token = await set_aside(channel, MAILER.queue, sign(event, KEY, "x", "barong"), event.name)
    junk = await set_aside(channel, MAILER.queue, b"\xffjunk")
    shown = await admin.get(f"admin/dead_letters/{MAILER.queue}")
    first, second = (each for each in shown.body if each["id"] in (token, junk))
    assert (first["id"], first["name"], first["reason"]) == (token, event.name, "KeyError")
    assert first["contents"]["record"] == {**event.record, "token": "[removed]"}
    assert "eyJ-secret" not in json.dumps(shown.body)
    assert (second["id"], second["contents"]) == (junk, None)
    counts = (await admin.get("admin/dead_letters")).body
    assert {"queue": MAILER.queue, "number": len(shown.body)} in counts

    one = {"id": junk}
    dropped = await admin.call("DELETE", f"admin/dead_letters/{MAILER.queue}", params=one)
    assert dropped.body == {"queue": MAILER.queue, "number": 1}
    again = await admin.post(f"admin/dead_letters/{MAILER.queue}/replay", {"id": token})
    assert (again.status, again.body["number"]) == (201, 1)

    async def set_aside_again() -> bool:  # for it is not signed by this system
        left = (await admin.get(f"admin/dead_letters/{MAILER.queue}")).body
        return [each["reason"] for each in left if each["id"] == token] == [
            "untrusted: UnknownKeyError"
        ]

    await until(set_aside_again)
    more = await set_aside(channel, MAILER.queue, b"junk")
    assert (await admin.call("DELETE", f"admin/dead_letters/{MAILER.queue}?all=true")).status == 200
    left = (await admin.get(f"admin/dead_letters/{MAILER.queue}")).body
    assert not {token, more} & {each["id"] for each in left}
    for action in ("dead_letters.dropped", "dead_letters.replayed"):
        assert await of_trail(system, action) == [("intent", None), ("outcome", "done")]


async def test_commands_show_and_replay(
    admin: Client, client: Client, channel: AbstractChannel, system: Installation
) -> None:
    uid = (await client.become_member()).body["uid"]
    events = await published(admin, 2, service="identity-svc", uid=uid, name="model.user.*")
    environment = system.environments["identity"]
    which = ("--uid", uid, "--name", "model.user.*")

    shown = await command("identity_svc", "events", environment, "tail", *which, "--no-follow")
    lines = [json.loads(line) for line in shown.splitlines()]
    assert [line["id"] for line in lines] == [event["id"] for event in reversed(events)]
    assert lines[0]["record"]["email"] == client.email
    since = ("tail", *which, "--since", "5m", "--no-follow")
    assert await command("identity_svc", "events", environment, *since) == shown
    async with a_queue(channel) as queue:
        play = ("replay", *which, "--to", queue)
        counted = await command("identity_svc", "events", environment, *play, "--dry-run")
        assert counted == f"{len(events)} events would go to {queue}\n"
        assert await messages(channel, queue) == 0
        played = await command("identity_svc", "events", environment, *play)
        assert f"{len(events)} events are in {queue}\n" in played
        assert len(await contents(channel, queue, len(events))) == len(events)
    code, said = await outcome("identity_svc", "events", environment, "replay", "--to", "nobody")
    assert (code, "the broker has no queue nobody" in said) == (1, True)


async def test_commands_for_dead_letters(channel: AbstractChannel, system: Installation) -> None:
    environment = system.environments["admin"]
    first = await set_aside(channel, AUDITS.queue, b"junk")
    second = await set_aside(channel, AUDITS.queue, b"junk")
    letters = ("list", "--queue", AUDITS.queue)
    listed = await command("admin_svc", "dead-letters", environment, *letters)
    # Other tests may have left some before these.
    assert [line.split()[0] for line in listed.splitlines()][-2:] == [first, second]

    drop = ("drop", "--queue", AUDITS.queue)
    await command("admin_svc", "dead-letters", environment, *drop, "--event", first)
    assert second in await command("admin_svc", "dead-letters", environment, *letters)
    code, said = await outcome("admin_svc", "dead-letters", environment, *drop, "--event", first)
    assert (code, f"there is no dead letter {first}" in said) == (1, True)
    third = await set_aside(channel, AUDITS.queue, b"junk")
    await command("admin_svc", "dead-letters", environment, *drop, "--everything")
    left = await command("admin_svc", "dead-letters", environment, *letters)
    assert (second in left, third in left) == (False, False)
