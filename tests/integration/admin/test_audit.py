"""Each change of an administrator is recorded, in a chain that nobody rewrites unseen."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import aiohttp
import asyncpg
import pytest

from admin_svc.audit.models import Actor
from admin_svc.erasure.use_cases import Erasure
from shared.contracts.events import ReceivedEvent
from shared.database.pool import Database
from shared.messaging.outbox import Outbox
from shared.process import running
from tests.support.admin_features import activities_over, audit_trail_over, directory_over
from tests.support.client import Client
from tests.support.database import TestDatabase
from tests.support.registrant import Registrant
from tests.support.seeds import command, outcome
from tests.support.staff import promote
from tests.support.system import KEY, ROOT, Installation, ready, started
from tests.support.waiting import until

SOMEBODY = Actor("ID00000000AA", "superadmin")
NOBODY = "ID0000000000"


@pytest.fixture
async def audit(database: TestDatabase) -> AsyncIterator[Database]:
    """The schema of an admin-svc of the test's own, as that service reaches it."""
    made = Database(database.dsns["admin"], "admin")
    async with made.opened():
        yield made


@asynccontextmanager
async def tables(system: Installation) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    connection = await asyncpg.connect(
        system.environments["admin"]["DATABASE_URL"], server_settings={"search_path": "admin"}
    )
    try:
        yield connection
    finally:
        await connection.close()


async def trail(system: Installation, condition: str, *arguments: object) -> list[dict[str, Any]]:
    """The entries that fulfil a condition, each with its payload, in their order."""
    async with tables(system) as connection:
        rows = await connection.fetch(
            f"""
            SELECT *
            FROM audit_entries
            LEFT JOIN audit_payloads ON entry_id = id
            WHERE {condition}
            ORDER BY id
            """,
            *arguments,
        )
    return [{**row, "payload": row["payload"] and json.loads(row["payload"])} for row in rows]


async def of_user(system: Installation, uid: str) -> list[tuple[str, str, str | None, Any]]:
    entries = await trail(system, "target_uid = $1", uid)
    return [(each["kind"], each["action"], each["result"], each["payload"]) for each in entries]


def environment(database: TestDatabase) -> dict[str, str]:
    return {
        "BARONG_SERVICE_KEYS": KEY,
        "BARONG_CONFIG_DIR": str(ROOT / "deploy" / "config"),
        "DATABASE_URL": database.dsns["admin"],
    }


async def some_entries(audit: Database, uids: Sequence[str]) -> None:
    for uid in uids:
        async with audit.transaction() as connection:
            said = {"before": {"state": "active"}, "after": {"state": "banned"}}
            await audit_trail_over(audit).append(
                connection, "change", "user.state", SOMEBODY, said, target_uid=uid
            )


async def test_changes_of_users_are_announced_and_concluded(
    system: Installation, admin: Client, client: Client
) -> None:
    uid = (await client.become_member()).body["uid"]
    by = (await admin.get("resource/users/me")).body["uid"]
    await admin.call("PUT", "admin/users", {"uid": uid, "state": "locked"})
    await admin.call("PUT", "admin/users", {"uid": uid, "state": "locked"})
    label = {"uid": uid, "key": "phone", "value": "verified", "scope": "private"}
    await admin.post("admin/users/labels", label)

    entries = await trail(system, "target_uid = $1", uid)
    assert {(each["author_uid"], each["author_role"]) for each in entries} == {(by, "superadmin")}
    state, again, added = await of_user_pairs(system, uid)
    assert state == (
        ("intent", "user.state", None, {"wanted": {"state": "locked"}}),
        (
            *("outcome", "user.state", "done"),
            {"before": {"state": "active"}, "after": {"state": "locked"}},
        ),
    )
    assert again[1][2:] == ("refused", {"codes": ["admin.user.state_no_change"]})
    assert added[1][:3] == ("outcome", "label.created", "done")
    assert added[1][3]["before"] is None
    assert added[1][3]["after"]["value"] == "verified"


async def test_changes_that_the_owner_refuses_are_concluded_too(
    system: Installation, admin: Client, client: Client
) -> None:
    async with Client(system) as staff:
        uid, by = [await promote(admin, who, "admin") for who in (client, staff)]
        before = len(await of_user(system, uid))
        label = {"uid": uid, "key": "phone", "scope": "private", "value": "verified"}
        await staff.post("admin/users/labels", label)
        await staff.call("PUT", "admin/profiles", {"uid": uid, "state": "verified"})
        await staff.call("DELETE", "admin/users/data_storage", {"uid": uid, "title": "company"})

    entries = (await of_user(system, uid))[before:]
    refused = ("outcome", "refused", {"codes": ["admin.user.higher_role"]})
    outcomes = [(kind, result, said) for kind, _, result, said in entries[1::2]]
    assert outcomes == [refused] * 3
    assert [kind for kind, *_ in entries[::2]] == ["intent"] * 3
    asked = await trail(system, "target_uid = $1 AND author_uid = $2", uid, by)
    assert len(asked) == 6


async def of_user_pairs(system: Installation, uid: str) -> list[tuple[Any, Any]]:
    entries = await of_user(system, uid)
    return list(zip(entries[::2], entries[1::2], strict=True))


async def test_changes_of_the_policy_are_recorded_with_them(
    system: Installation, admin: Client
) -> None:
    by = (await admin.get("resource/users/me")).body["uid"]
    rule = {"role": "member", "verb": "get", "path": "api/v2/audited", "action": "accept"}
    made = (await admin.post("admin/permissions", rule)).body
    await admin.call("PUT", "admin/permissions", {"id": made["id"], "topic": "audits"})
    await admin.call("DELETE", "admin/permissions", params={"id": made["id"]})
    address = {"scope": "ip", "value": "192.0.2.77", "category": "blacklist", "state": "disabled"}
    kept_out = (await admin.post("admin/restrictions", address)).body
    await admin.call("DELETE", "admin/restrictions", params={"id": kept_out["id"]})

    changed = await trail(
        system,
        "author_uid = $1 AND action LIKE '%permission.%' OR action LIKE '%restriction.%'",
        by,
    )
    mine = [
        (each["action"], each["payload"])
        for each in changed
        if made["path"] in json.dumps(each["payload"])
        or "192.0.2.77" in json.dumps(each["payload"])
    ]
    assert [action for action, _ in mine] == [
        *("permission.created", "permission.updated", "permission.deleted"),
        *("restriction.created", "restriction.deleted"),
    ]
    (_, created), (_, updated), (_, deleted), *_ = mine
    assert (created["before"], created["after"]["verb"]) == (None, "GET")
    assert (updated["before"]["topic"], updated["after"]["topic"]) == (None, "audits")
    assert (deleted["before"]["topic"], deleted["after"]) == ("audits", None)


async def test_changes_of_webhooks_are_recorded_once_and_without_their_secrets(
    system: Installation, admin: Client
) -> None:
    """webhooks-svc makes them; its events, in the same transactions, tell of them."""
    by = (await admin.get("resource/users/me")).body["uid"]
    address = "https://hooks.example.com/audited"
    made = (await admin.post("admin/webhooks", {"url": address, "events": "model.*"})).body
    path = f"admin/webhooks/{made['id']}"
    await admin.call("PUT", path, {"description": "CRM", "state": "disabled"})
    rotated = (await admin.post(f"{path}/secret")).body
    assert (await admin.call("PUT", path, {"url": "ftp://example.com"})).status == 422
    assert (await admin.call("DELETE", path)).status == 204

    async def recorded() -> list[dict[str, Any]]:
        entries = await trail(system, "author_uid = $1 AND action LIKE 'webhook.%'", by)
        mine = [each for each in entries if address in json.dumps(each["payload"])]
        return mine if mine and mine[-1]["action"] == "webhook.deleted" else []

    entries = await until(recorded)
    assert [(each["kind"], each["action"], each["author_role"]) for each in entries] == [
        ("change", f"webhook.{action}", "superadmin")
        for action in ("created", "updated", "secret_rotated", "deleted")
    ]
    created, updated, _, deleted = (each["payload"] for each in entries)
    assert (created["before"], created["after"]["events"]) == (None, ["model.*"])
    assert (updated["before"]["state"], updated["after"]["state"]) == ("active", "disabled")
    assert (updated["before"]["description"], updated["after"]["description"]) == ("", "CRM")
    assert (deleted["before"]["url"], deleted["after"]) == (address, None)
    said = json.dumps([each["payload"] for each in entries])
    assert made["secret"] not in said
    assert rotated["secret"] not in said


async def test_changes_of_oauth_clients_are_recorded_once_and_without_their_secrets(
    system: Installation, admin: Client
) -> None:
    """oauth-svc makes them; its events, in the same transactions, tell of them."""
    by = (await admin.get("resource/users/me")).body["uid"]
    uri = "https://audited.example.com/callback"
    wanted = {"name": "A", "redirect_uris": [uri]}
    made = (await admin.call("POST", "admin/oauth_clients", json=wanted)).body
    path = f"admin/oauth_clients/{made['client_id']}"
    changes = {"first_party": True, "scopes": ["openid"], "dpop_bound_access_tokens": True}
    await admin.call("PUT", path, json=changes)
    rotated = (await admin.post(f"{path}/secret")).body
    assert (await admin.call("PUT", path, json={"grant_types": ["password"]})).status == 422
    assert (await admin.call("DELETE", path)).status == 204

    entries = await until(partial(recorded_of_client, system, made["client_id"]))
    assert [(each["kind"], each["action"], each["author_role"]) for each in entries] == [
        ("change", f"oauth_client.{action}", "superadmin")
        for action in ("created", "updated", "secret_rotated", "deleted")
    ]
    assert {each["author_uid"] for each in entries} == {by}
    created, updated, _, deleted = (each["payload"] for each in entries)
    assert (created["before"], created["after"]["redirect_uris"]) == (None, [uri])
    for name in ("first_party", "dpop_bound"):
        assert (updated["before"][name], updated["after"][name]) == (False, True)
    assert "profile" in updated["before"]["scopes"]
    assert updated["after"]["scopes"] == ["openid"]
    assert (deleted["before"]["name"], deleted["after"]) == ("A", None)
    said = json.dumps([each["payload"] for each in entries])
    assert made["client_secret"] not in said
    assert rotated["client_secret"] not in said


async def test_a_client_that_registers_itself_is_recorded_as_the_author(
    system: Installation,
) -> None:
    metadata = {"redirect_uris": ["https://self-made.example.com/callback"]}
    async with Registrant(system) as registrant:
        _, made = await registrant.register(metadata)
        await registrant.of(made).delete()

    entries = await until(partial(recorded_of_client, system, made["client_id"]))

    assert [(each["action"], each["author_uid"], each["author_role"]) for each in entries] == [
        ("oauth_client.created", None, "client"),
        ("oauth_client.deleted", None, "client"),
    ]
    said = json.dumps([each["payload"] for each in entries])
    assert made["client_secret"] not in said
    assert made["registration_access_token"] not in said


async def recorded_of_client(system: Installation, client_id: str) -> list[dict[str, Any]]:
    """The entries about a client, once it was deleted."""
    entries = await trail(system, "action LIKE 'oauth_client.%' AND $1 <> ''", client_id)
    mine = [each for each in entries if client_id in json.dumps(each["payload"])]
    return mine if mine and mine[-1]["action"] == "oauth_client.deleted" else []


async def test_a_whitelink_is_recorded_without_its_token(
    system: Installation, admin: Client
) -> None:
    answer = await admin.post("admin/restrictions/whitelink", {"expire_time": "1"})
    token = answer.body["whitelink_token"]

    used = await admin.post(
        "identity/users/access",
        {"whitelink_token": token},
        headers={"X-Forwarded-For": "198.51.100.78"},
    )
    assert used.status in (200, 201)

    made = (await trail(system, "action = 'whitelink.created'"))[-1]
    assert made["payload"]["after"]["seconds"] == 86_400
    assert token not in json.dumps(made["payload"])
    let_in = [
        each
        for each in await trail(system, "author_role = 'whitelink'")
        if each["payload"]["after"]["value"] == "198.51.100.78"
    ]
    assert [(each["action"], each["author_uid"]) for each in let_in] == [
        ("restriction.created", None)
    ]
    [restriction] = [
        each
        for each in (await admin.get("admin/restrictions")).body
        if each["value"] == "198.51.100.78"
    ]
    await admin.call("DELETE", "admin/restrictions", params={"id": restriction["id"]})


async def test_a_refused_change_of_the_policy_is_no_entry(
    system: Installation, admin: Client
) -> None:
    rule = {"role": "member", "verb": "get", "path": "api/v2/refused", "action": "accept"}
    first = (await admin.post("admin/permissions", rule)).body
    assert (await admin.post("admin/permissions", rule)).errors == ["path.taken"]
    await admin.call("DELETE", "admin/permissions", params={"id": first["id"]})

    about = [
        each["action"]
        for each in await trail(system, "action LIKE 'permission.%'")
        if "api/v2/refused" in json.dumps(each["payload"])
    ]
    assert about == ["permission.created", "permission.deleted"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET author_uid = 'ID9999999999'",
        "UPDATE audit_entries SET author_uid = 'ID9999999999' WHERE false",
        "DELETE FROM audit_entries",
        "TRUNCATE audit_entries",
        "UPDATE audit_payloads SET payload = '{}'",
        "TRUNCATE audit_payloads",
    ],
)
async def test_nobody_rewrites_the_trail(
    database: TestDatabase, audit: Database, statement: str
) -> None:
    await some_entries(audit, ["ID1"])
    async with audit.connection() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    async with database.connected() as superuser:  # whom no missing right stops, but the trigger
        await superuser.execute("SET search_path TO admin")
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await superuser.execute(statement)


async def test_the_services_role_has_no_right_to_rewrite_it(audit: Database) -> None:
    async with audit.connection() as connection:
        for table, rights in (
            ("audit_entries", ("UPDATE", "DELETE", "TRUNCATE")),
            ("audit_payloads", ("UPDATE", "TRUNCATE")),
        ):
            for right in rights:
                assert not await connection.fetchval(
                    "SELECT has_table_privilege($1, $2)", table, right
                ), (table, right)


@pytest.mark.parametrize(
    ("tampering", "said"),
    [
        (
            "UPDATE audit_entries SET author_uid = 'ID99' WHERE id = $1",
            "entry {} says something else",
        ),
        (
            "UPDATE audit_entries SET at = at + interval '1 s' WHERE id = $1",
            "entry {} says something",
        ),
        (
            "UPDATE audit_payloads SET payload = '{{}}' WHERE entry_id = $1",
            "entry {}: its payload is",
        ),
        ("DELETE FROM audit_payloads WHERE entry_id = $1", "entry {}: its payload is missing"),
        ("DELETE FROM audit_entries WHERE id = $1", "entry {} is missing"),
        (
            "UPDATE audit_entries SET hash = sha256(hash) WHERE id = $1",
            "entry {} says something else",
        ),
        (
            "UPDATE audit_entries SET previous_hash = sha256(hash) WHERE id = $1",
            "entry {} does not follow",
        ),
    ],
)
async def test_tampering_is_found_where_it_happened(
    database: TestDatabase, audit: Database, tampering: str, said: str
) -> None:
    await some_entries(audit, ["ID1", "ID2", "ID3", "ID4"])
    report = await command("admin_svc", "verify-audit", environment(database))
    assert "0 payloads erased" in report
    async with audit.connection() as connection:
        last = await connection.fetchval("SELECT max(id) FROM audit_entries")
    async with database.connected() as superuser:
        await superuser.execute("SET search_path TO admin")
        await superuser.execute("SET session_replication_role TO replica")  # no triggers
        await superuser.execute(tampering.replace("{{}}", "{}"), last - 1)

    code, output = await outcome("admin_svc", "verify-audit", environment(database))

    assert code == 1
    assert said.format(last - 1) in output


async def test_a_chain_that_was_cut_off_misses_a_hash_noted_elsewhere(
    database: TestDatabase, audit: Database
) -> None:
    await some_entries(audit, ["ID1", "ID2"])
    report = await command("admin_svc", "verify-audit", environment(database))
    head = report.rsplit(": ", 1)[1].strip()
    await some_entries(audit, ["ID3"])
    assert await command("admin_svc", "verify-audit", environment(database), "--known", head)

    async with database.connected() as superuser:
        await superuser.execute("SET session_replication_role TO replica")
        await superuser.execute(
            "DELETE FROM admin.audit_entries WHERE target_uid IN ('ID2', 'ID3')"
        )
        await superuser.execute(
            "DELETE FROM admin.audit_payloads"
            " WHERE entry_id NOT IN (SELECT id FROM admin.audit_entries)"
        )
    assert (await outcome("admin_svc", "verify-audit", environment(database)))[0] == 0
    code, output = await outcome(
        "admin_svc", "verify-audit", environment(database), "--known", head
    )
    assert (code, "rewritten or cut off" in output) == (1, True)
    code, output = await outcome(
        "admin_svc", "verify-audit", environment(database), "--known", "xyz"
    )
    assert (code, "xyz is no hash" in output) == (1, True)


async def test_an_erasure_takes_what_was_said_and_leaves_that_it_was_said(
    audit: Database, database: TestDatabase
) -> None:
    await some_entries(audit, ["ID1", "ID2", "ID1"])
    trail = audit_trail_over(audit)

    assert await trail.erase("ID1", SOMEBODY) == 2
    assert await trail.erase("ID1", SOMEBODY) == 0

    verified = await audit_trail_over(audit).verify()
    assert verified.erased == 2
    async with audit.connection() as connection:
        kept = await connection.fetch(
            "SELECT kind, target_uid, payload FROM audit_entries"
            " LEFT JOIN audit_payloads ON entry_id = id WHERE target_uid IS NOT NULL ORDER BY id"
        )
    assert [(row["kind"], row["target_uid"], row["payload"] is None) for row in kept] == [
        ("change", "ID1", True),
        ("change", "ID2", False),
        ("change", "ID1", True),
        ("erasure", "ID1", True),
    ]
    assert "2 payloads erased" in await command("admin_svc", "verify-audit", environment(database))


async def erase_user(audit: Database, uid: str) -> None:
    """What admin-svc does when it hears that a user was erased."""
    erasure = Erasure(
        audit, Outbox(), directory_over(audit), activities_over(audit), audit_trail_over(audit)
    )
    told = {"record": {"uid": uid}, "changes": {}, "snapshot": {}}
    await erasure.erase(
        ReceivedEvent(
            id=uuid.uuid4(), name="system.user.erased", issued_at=datetime.now(UTC), **told
        )
    )


async def kept_of(audit: Database, uid: str) -> list[tuple[str, str | None, bool, bool]]:
    """Kind and result of the entries about a user, and which have a commitment and a payload."""
    async with audit.connection() as connection:
        rows = await connection.fetch(
            """
            SELECT kind, result, commitment, payload
            FROM audit_entries
            LEFT JOIN audit_payloads ON entry_id = id
            WHERE target_uid = $1
            ORDER BY id
            """,
            uid,
        )
    return [
        (row["kind"], row["result"], row["commitment"] is not None, row["payload"] is not None)
        for row in rows
    ]


async def test_what_is_noted_of_an_erased_user_is_noted_without_payload(audit: Database) -> None:
    audited_change = audit_trail_over(audit).audited_change
    await some_entries(audit, ["ID2"])

    async with audited_change(
        SOMEBODY, "profile.updated", "ID1", {"first_name": "Erika"}
    ) as change:
        await erase_user(audit, "ID1")
        change.done(before={"last_name": "Mustermann"}, after={"last_name": "Musterfrau"})
    async with audited_change(SOMEBODY, "profile.updated", "ID1", {"first_name": "Erika"}):
        pass  # who has not heard of the erasure yet
    await some_entries(audit, ["ID2"])

    assert await kept_of(audit, "ID1") == [
        ("intent", None, True, False),
        ("erasure", None, False, False),
        ("outcome", "done", False, False),
        ("intent", None, False, False),
        ("outcome", "done", False, False),
    ]
    assert await kept_of(audit, "ID2") == [("change", None, True, True)] * 2
    assert (await audit_trail_over(audit).verify()).erased == 1


@pytest.mark.parametrize("before", [0, 1])
async def test_an_erasure_waits_for_what_is_being_noted(audit: Database, before: int) -> None:
    await some_entries(audit, ["ID1"] * before)
    async with audit.connection() as connection:
        noting = connection.transaction()
        await noting.start()
        said = {"wanted": {"first_name": "Erika"}}
        await audit_trail_over(audit).append(
            connection, "intent", "profile.updated", SOMEBODY, said, target_uid="ID1"
        )
        erasing = asyncio.create_task(erase_user(audit, "ID1"))

        async def waits_or_is_done() -> bool:
            waits = "SELECT true FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            return erasing.done() or bool(await connection.fetchval(waits))

        await until(waits_or_is_done)
        await noting.commit()
    await erasing

    assert await kept_of(audit, "ID1") == [
        *[("change", None, True, False)] * before,
        ("intent", None, True, False),
        ("erasure", None, False, False),
    ]
    assert (await audit_trail_over(audit).verify()).erased == before + 1


async def test_appended_at_the_same_time_entries_still_make_one_chain(audit: Database) -> None:
    before = (await audit_trail_over(audit).verify()).entries
    await asyncio.gather(*(some_entries(audit, [f"ID{n}"] * 5) for n in range(8)))

    assert (await audit_trail_over(audit).verify()).entries == before + 40


async def test_what_is_rolled_back_is_no_entry(audit: Database) -> None:
    before = (await audit_trail_over(audit).verify()).entries
    async with audit.connection() as connection:
        change = connection.transaction()
        await change.start()
        await audit_trail_over(audit).append(
            connection, "change", "user.state", SOMEBODY, {}, target_uid="ID1"
        )
        await change.rollback()
    await some_entries(audit, ["ID2"])

    assert (await audit_trail_over(audit).verify()).entries == before + 1


async def test_an_owner_who_is_away_leaves_an_intent_that_is_found(
    system_of_my_own: Installation, database: TestDatabase
) -> None:
    system = system_of_my_own
    async with AsyncExitStack() as others, AsyncExitStack() as owner:
        await owner.enter_async_context(running(system.service("identity")))
        await others.enter_async_context(started(system, "resource", "admin", "gateway"))
        await ready(system, "identity")
        async with Client(system) as admin:
            await admin.log_in_as_superadmin()
            bearer = await admin.upstream_bearer()
            assert (await admin.get("admin/levels")).status == 200
        await owner.aclose()  # identity-svc is away; admin-svc knows its keys
        url = f"{system.public_url('admin')}/api/v2/admin/users"
        async with (
            aiohttp.ClientSession(headers={"Authorization": bearer}) as http,
            http.put(url, data={"uid": NOBODY, "state": "banned"}) as answer,
        ):
            assert answer.status == 503
            assert answer.headers["Retry-After"]
        assert await of_user(system, NOBODY) == [
            ("intent", "user.state", None, {"wanted": {"state": "banned"}}),
            ("outcome", "user.state", "unknown", {}),
        ]
    assert (
        await command("admin_svc", "open-intents", environment(database)) == ""
    )  # may be under way
    async with database.connected() as superuser:
        await superuser.execute("SET session_replication_role TO replica")
        await superuser.execute("UPDATE admin.audit_entries SET at = at - interval '1 hour'")
    listed = await command("admin_svc", "open-intents", environment(database))
    assert NOBODY in listed
    assert "user.state" in listed


async def test_without_the_trail_nothing_is_changed(
    system: Installation, admin: Client, client: Client
) -> None:
    uid = (await client.become_member()).body["uid"]
    async with tables(system) as connection, connection.transaction():
        await connection.execute("LOCK TABLE audit_entries IN ACCESS EXCLUSIVE MODE")
        waiting = asyncio.create_task(
            admin.call("PUT", "admin/users", {"uid": uid, "state": "locked"})
        )

        async def blocked() -> bool:
            return bool(
                await connection.fetchval(
                    "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation ="
                    " 'audit_entries'::regclass)"
                )
            )

        assert await until(blocked)
        assert (await client.get("resource/users/me")).body["state"] == "active"
    assert (await waiting).status == 200
