"""What is left of users some time after they deleted their accounts: their uids."""

import contextlib
import dataclasses
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aio_pika
import pytest

from admin_svc.activities.use_cases import BATCH
from shared.contracts.activities import Activity
from shared.contracts.events import ReceivedEvent
from shared.contracts.labels import PrivateLabels
from shared.contracts.topology import EVENTS
from shared.errors import NotFound
from shared.messaging.broker import connected
from shared.process import running
from tests.support.barong_export import a_label, a_user, export
from tests.support.client import Client
from tests.support.doomed import Doomed, age_deletion, delete_account, doomed
from tests.support.events import Ear
from tests.support.internal import (
    admin_of,
    identity_of,
    put_private_label,
    resource_of,
    superadmin_of,
    tables_of_admin,
    tables_of_identity,
    tables_of_resource,
    tables_of_webhooks,
)
from tests.support.seeds import command, outcome
from tests.support.system import Installation
from tests.support.traces import traces
from tests.support.waiting import until

_FREE = {"BARONG_PORT": "0", "BARONG_INTERNAL_PORT": "0"}
DAYS = 2

PERSONAL = ("identity", "resource", "admin")
"""The schemas with personal data: mailer-svc stores none, and nothing is to be erased there."""

UID_STAYS = {
    *("identity.erased_users", "identity.outbox", "resource.users", "admin.erased_users"),
    "admin.audit_entries",
    *(f"{schema}.events_erased_users" for schema in (*PERSONAL, "oauth", "webhooks")),
}
"""Where a uid may stand after the erasure, besides activities."""


@contextlib.asynccontextmanager
async def erasing(system: Installation, instances: int = 1) -> AsyncIterator[None]:
    """So many more instances of identity-svc, which erase after two days."""
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(instances):
            settings = {**_FREE, "BARONG_ERASURE_AFTER_DAYS": str(DAYS)}
            await stack.enter_async_context(running(system.service("identity", **settings)))
        yield


async def known(system: Installation, somebody: Doomed) -> dict[str, set[str]]:
    """Which of their fields are still stored, each with its places."""
    found = await traces(system, somebody.markers.values())
    fields = {word: field for field, word in somebody.markers.items()}
    return {fields[word]: set(places) for word, places in found.items() if places}


async def forgotten(system: Installation, somebody: Doomed) -> None:
    """Returns when nothing about them is stored; fails with what still is."""

    async def nothing_known() -> bool:
        return not await known(system, somebody)

    try:
        await until(nothing_known, 60)
    except TimeoutError:
        pytest.fail(f"still known: {await known(system, somebody)}")


async def unexpected(system: Installation, uid: str) -> set[str]:
    """Where their uid stands and should not.

    The archive, and webhooks of other tests, have that they were erased, and no more.
    """
    (places,) = (await traces(system, [uid])).values()
    async with tables_of_identity(system) as tables:
        archived = await tables.fetch("SELECT name FROM events WHERE uid = $1", uid)
    if {row["name"] for row in archived} == {"system.user.erased"}:
        places = frozenset(each for each in places if not each.startswith("identity.events_y"))
        places -= {"identity.events"}
    async with tables_of_webhooks(system) as tables:
        sent = await tables.fetch("SELECT name FROM deliveries WHERE uid = $1", uid)
    if {row["name"] for row in sent} == {"system.user.erased"}:
        places -= {"webhooks.deliveries"}
    return {place for place in places - UID_STAYS if not place.startswith("admin.activities")}


async def is_there(system: Installation, uid: str) -> bool:
    async with tables_of_identity(system) as tables:
        return bool(await tables.fetchval("SELECT true FROM users WHERE uid = $1", uid))


async def erased_at_identity(system: Installation, *uids: str) -> None:
    """Returns when identity-svc has erased all of them."""

    async def gone() -> bool:
        return not any([await is_there(system, uid) for uid in uids])

    await until(gone, 60)


async def test_nothing_but_the_uid_is_left(
    client: Client, admin: Client, system: Installation, ear: Ear
) -> None:
    somebody = await doomed(client)
    label = {"uid": somebody.uid, "key": "watched", "value": "closely", "scope": "public"}
    somebody.markers["by_admin"] = "said by an administrator of " + somebody.uid
    label["description"] = somebody.markers["by_admin"]
    assert (await admin.post("admin/users/labels", label)).status == 201
    await delete_account(client, system, somebody.uid, DAYS + 1)
    before = await known(system, somebody)
    assert set(before) == set(somebody.markers), "the test looks for what is nowhere"
    schemas = {place.partition(".")[0] for places in before.values() for place in places}
    # A webhook of another test may wait to be sent.
    assert schemas - {"webhooks"} == {*PERSONAL, "files"}

    async with erasing(system):
        await forgotten(system, somebody)
    assert await unexpected(system, somebody.uid) == set()
    async with tables_of_admin(system) as tables:
        rows = await tables.fetch(
            "SELECT topic, action, result FROM activities WHERE uid = $1", somebody.uid
        )
    assert ("session", "login", "succeed") in [tuple(row) for row in rows]

    async def told() -> bool:
        mine = [event for event in ear.events if event.record == {"uid": somebody.uid}]
        return [event.name for event in mine] == ["system.user.erased"]

    await until(told)


async def test_a_very_busy_user_is_erased_in_several_transactions(
    client: Client, system: Installation
) -> None:
    somebody = await doomed(client)
    months, activities = 3, 2 * BATCH + 1
    async with admin_of(system) as admin:  # which makes the partitions of these months
        for month in range(months):
            moment = datetime.now(UTC) - timedelta(days=40 * month)
            await admin.record(_done_by(somebody, created_at=moment))
    async with tables_of_admin(system) as tables:
        for column, category in (("uid", "user"), ("target_uid", "admin")):
            await tables.execute(
                f"""
                INSERT INTO activities (
                    id, created_at, category, uid, topic, action, result, user_ip, user_agent,
                    data, target_uid
                )
                SELECT gen_random_uuid(), now() - make_interval(days => 40 * (number % {months})),
                       $2, $3, 'probe', 'many', 'succeed', '192.0.2.7', '', $4, $5
                FROM generate_series(1, $1) AS number
                """,
                activities,
                category,
                somebody.uid if column == "uid" else "IDADMINISTRATOR",
                somebody.markers["data"],
                somebody.uid if column == "target_uid" else None,
            )
    await delete_account(client, system, somebody.uid, DAYS + 1)
    async with erasing(system):
        await forgotten(system, somebody)
    async with tables_of_admin(system) as tables:
        rows = await tables.fetch(
            """
            SELECT category, user_ip, count(*) AS activities,
                   array_agg(DISTINCT xmin::text) AS transactions
            FROM activities
            WHERE topic = 'probe' AND action = 'many' AND $1 IN (uid, target_uid)
            GROUP BY 1, 2
            ORDER BY 1
            """,
            somebody.uid,
        )
    assert [(row["category"], row["user_ip"], row["activities"]) for row in rows] == [
        ("admin", "192.0.2.7", activities),
        ("user", "", activities),
    ]
    by_walk = [set(row["transactions"]) for row in rows]
    assert min(map(len, by_walk)) > activities // BATCH
    assert not by_walk[0] & by_walk[1]


async def test_his_address_is_free_again(client: Client, system: Installation) -> None:
    somebody = await doomed(client)
    await delete_account(client, system, somebody.uid, DAYS + 1)
    async with Client(system) as other:
        assert (await other.sign_up(email=somebody.email)).errors == ["email.taken"]
        async with erasing(system):
            await forgotten(system, somebody)
        answer = await other.sign_up(email=somebody.email)
        assert answer.status == 201
        assert answer.body["uid"] != somebody.uid


async def test_who_is_erased_is_nobody_to_other_services(
    client: Client, admin: Client, system: Installation
) -> None:
    somebody = await doomed(client)
    await delete_account(client, system, somebody.uid, DAYS + 1)
    async with erasing(system):
        await forgotten(system, somebody)
    async with identity_of(system) as identity, resource_of(system) as resource:
        with pytest.raises(NotFound):
            await identity.user(somebody.uid)
        with pytest.raises(NotFound):
            await identity.apply_labels(PrivateLabels(somebody.uid, 10**9, {"email": "verified"}))
        by = await superadmin_of(system)
        with pytest.raises(NotFound):
            await resource.change_label(
                by, somebody.uid, "private", "watched", "closely", None, or_add=True
            )
    assert (await admin.get(f"admin/users/{somebody.uid}")).status == 404
    found = (await admin.get("admin/users", params={"uid": somebody.uid})).body
    assert found == []
    assert not await known(system, somebody)


async def test_before_its_time_nobody_is_erased(client: Client, system: Installation) -> None:
    async with Client(system) as other:
        early, due = await doomed(client), await doomed(other)
        await delete_account(client, system, early.uid, DAYS - 0.01)
        await delete_account(other, system, due.uid, DAYS + 0.01)
        async with erasing(system):
            await erased_at_identity(system, due.uid)
    assert await is_there(system, early.uid)
    assert set(await known(system, early)) == set(early.markers)


async def test_who_was_deleted_by_others_is_not_erased(
    client: Client, system: Installation
) -> None:
    async with Client(system) as other:
        removed, due = await doomed(client), await doomed(other)
        await put_private_label(system, removed.uid, "delete", "by-admin")
        await age_deletion(system, removed.uid, DAYS + 1)
        await delete_account(other, system, due.uid, DAYS + 0.01)
        async with erasing(system):
            await erased_at_identity(system, due.uid)
    assert await is_there(system, removed.uid)


async def test_who_is_let_in_again_stays_and_his_time_begins_anew(
    client: Client, admin: Client, system: Installation
) -> None:
    async with Client(system) as other:
        somebody, due = await doomed(client), await doomed(other)
        await delete_account(client, system, somebody.uid, DAYS + 1)
        answer = await admin.post("admin/users/update", {"uid": somebody.uid, "state": "active"})
        assert answer.status == 201
        assert (await client.log_in()).status == 201
        answer = await admin.post("admin/users/update", {"uid": somebody.uid, "state": "deleted"})
        assert answer.status == 201
        await delete_account(other, system, due.uid, DAYS + 0.01)
        async with erasing(system):
            await erased_at_identity(system, due.uid)
    assert await is_there(system, somebody.uid)


async def test_two_instances_erase_each_user_once(system: Installation, ear: Ear) -> None:
    uids = []
    for _ in range(6):
        async with Client(system) as client:
            uids.append((await client.become_member()).body["uid"])
            await delete_account(client, system, uids[-1], DAYS + 1)
    async with erasing(system, instances=2):
        await erased_at_identity(system, *uids)

        async def all_told() -> bool:
            return set(uids) <= {event.record.get("uid") for event in erasures(ear)}

        await until(all_told)
    told = [event.record["uid"] for event in erasures(ear)]
    assert sorted(uid for uid in told if uid in uids) == sorted(uids)


def erasures(ear: Ear) -> list[ReceivedEvent]:
    return [event for event in ear.events if event.name == "system.user.erased"]


async def test_what_is_told_again_revives_nobody(client: Client, system: Installation) -> None:
    url = system.environments["identity"]["AMQP_URL"]
    async with connected(url, "test") as connection:
        channel = await connection.channel()
        heard = await channel.declare_queue(exclusive=True)
        await heard.bind(EVENTS, "#")
        somebody = await doomed(client)
        await delete_account(client, system, somebody.uid, DAYS + 1)
        async with erasing(system):
            await forgotten(system, somebody)
        for schema in PERSONAL:
            await _forget_inbox(system, schema)
        exchange = await channel.get_exchange(EVENTS)
        count = 0
        while (message := await heard.get(fail=False)) is not None and count < 500:
            if message.type != "system.user.erased":
                copy = aio_pika.Message(
                    message.body, message_id=message.message_id, type=message.type
                )
                await exchange.publish(copy, message.type or "")
                count += 1
        assert count > 20
    async with Client(system) as other:  # their events come after the others
        uid = (await other.become_member()).body["uid"]

        async def replicas_know_him() -> bool:
            async with tables_of_resource(system) as resource, tables_of_admin(system) as directory:
                known_there = [
                    await tables.fetchval("SELECT true FROM users WHERE uid = $1", uid)
                    for tables in (resource, directory)
                ]
                return all(known_there)

        await until(replicas_know_him, 60)
    assert not await known(system, somebody)
    assert await unexpected(system, somebody.uid) == set()


async def _forget_inbox(system: Installation, schema: str) -> None:
    tables_of = {
        "identity": tables_of_identity,
        "resource": tables_of_resource,
        "admin": tables_of_admin,
    }[schema]
    async with tables_of(system) as tables:
        await tables.execute("DELETE FROM inbox")


async def test_an_activity_that_is_told_late_is_kept_without_what_is_personal(
    client: Client, system: Installation
) -> None:
    somebody = await doomed(client)
    await delete_account(client, system, somebody.uid, DAYS + 1)
    async with erasing(system):
        await forgotten(system, somebody)
    by_him = _done_by(somebody)
    about_him = dataclasses.replace(
        by_him,
        id=uuid.uuid4(),
        category="admin",
        uid="IDADMINISTRATOR",
        target_uid=somebody.uid,
        user_ip="192.0.2.7",
        user_agent="an administrator's",
    )
    async with admin_of(system) as admin:
        for activity in (by_him, about_him):
            await admin.record(activity)
    async with tables_of_admin(system) as tables:
        kept = {
            row["id"]: (row["action"], row["user_ip"], row["user_agent"], row["data"])
            for row in await tables.fetch(
                "SELECT * FROM activities WHERE id = ANY($1)", [by_him.id, about_him.id]
            )
        }
    assert kept == {
        by_him.id: ("logout", "", "", None),
        about_him.id: ("logout", "192.0.2.7", "an administrator's", None),
    }


def _done_by(somebody: Doomed, **changes: Any) -> Activity:
    """An activity of theirs whose every field says something about them."""
    activity = Activity(
        category="user",
        uid=somebody.uid,
        user_ip=somebody.markers["ip"],
        user_agent=somebody.markers["user_agent"],
        topic="session",
        action="logout",
        result="succeed",
        data=somebody.markers["data"],
    )
    return dataclasses.replace(activity, **changes)


async def test_an_import_does_not_bring_him_back(
    client: Client, system: Installation, tmp_path: Path
) -> None:
    somebody = await doomed(client)
    await delete_account(client, system, somebody.uid, DAYS + 1)
    async with erasing(system):
        await forgotten(system, somebody)
    row = a_user(uid=somebody.uid, email=somebody.email)
    folder = export(tmp_path / "export", [row], [a_label(row)])
    environment = system.environments["identity"]
    output = await command("identity_svc", "import-users", environment, str(folder))
    assert "0 users imported\n1 users were there already\n" in output
    assert not await known(system, somebody)


async def test_the_audit_trail_still_holds(
    client: Client, admin: Client, system: Installation
) -> None:
    somebody = await doomed(client)
    label = {"uid": somebody.uid, "key": "watched", "value": "closely", "scope": "public"}
    assert (await admin.post("admin/users/labels", label)).status == 201
    await delete_account(client, system, somebody.uid, DAYS + 1)
    async with erasing(system):
        await forgotten(system, somebody)
    await command("admin_svc", "verify-audit", system.environments["admin"])
    async with tables_of_admin(system) as tables:
        actions = await tables.fetch(
            "SELECT kind, action FROM audit_entries WHERE target_uid = $1 ORDER BY id",
            somebody.uid,
        )
    assert [row["kind"] for row in actions] == ["intent", "outcome", "erasure"]


async def test_an_operator_erases_one_who_is_deleted(client: Client, system: Installation) -> None:
    environment = system.environments["identity"]
    somebody = await doomed(client)
    for days, reason in ((None, "active"), (0.01, "just deleted")):
        if days is not None:
            await delete_account(client, system, somebody.uid, days)
        code, output = await outcome("identity_svc", "erase", environment, "--uid", somebody.uid)
        assert (code, f"{somebody.uid} is no user" in output) == (1, True), (reason, output)
    assert await is_there(system, somebody.uid)
    await age_deletion(system, somebody.uid, 0.05)
    output = await command("identity_svc", "erase", environment, "--uid", somebody.uid)
    assert output.endswith("1 users erased\n")
    await forgotten(system, somebody)


async def test_a_command_erases_whose_time_has_come(client: Client, system: Installation) -> None:
    environment = system.environments["identity"]
    somebody = await doomed(client)
    await delete_account(client, system, somebody.uid, DAYS + 1)
    code, output = await outcome("identity_svc", "erase", environment)
    assert (code, "BARONG_ERASURE_AFTER_DAYS" in output) == (1, True), output
    assert await is_there(system, somebody.uid)
    await command("identity_svc", "erase", {**environment, "BARONG_ERASURE_AFTER_DAYS": str(DAYS)})
    await forgotten(system, somebody)
