"""Users of an existing Barong are imported, whole or not at all, however often it is tried."""

import asyncio
import csv
import itertools
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from shared.clients.resource import ResourceClient
from shared.contracts.services import IDENTITY
from shared.crypto.key_ring import KeyRing
from shared.tokens.service import ServiceTokens
from tests.support.barong_export import a_label, a_user, export, report
from tests.support.client import Client
from tests.support.database import TestDatabase
from tests.support.seeds import outcome
from tests.support.system import KEY, ROOT, Installation, started
from tests.support.waiting import until

_numbers = itertools.count(1)

ENVIRONMENT = {
    "BARONG_SERVICE_KEYS": KEY,
    "BARONG_MASTER_KEYS": KEY,
    "BARONG_CONFIG_DIR": str(ROOT / "deploy" / "config"),
}


async def imported(database: TestDatabase, folder: Path, *arguments: str) -> tuple[int | None, str]:
    """Exit code and output of an import."""
    environment = {**ENVIRONMENT, "DATABASE_URL": database.dsns["identity"]}
    return await outcome("identity_svc", "import-users", environment, str(folder), *arguments)


async def users_of(database: TestDatabase) -> dict[str, Mapping[str, Any]]:
    """Imported users by uid."""
    async with database.connected() as connection:
        rows = await connection.fetch(
            "SELECT * FROM identity.users WHERE email ILIKE '%imported%' ORDER BY id"
        )
        return {row["uid"]: dict(row) for row in rows}


async def events_of(database: TestDatabase) -> int:
    async with database.connected() as connection:
        count: int = await connection.fetchval(
            "SELECT count(*) FROM identity.outbox"
            " WHERE name = 'model.user.created' AND record ->> 'email' LIKE '%imported%'"
        )
        return count


async def test_a_thousand_users_are_imported_once(database: TestDatabase, tmp_path: Path) -> None:
    users = [a_user(otp="1" if n % 100 == 0 else "0") for n in range(1000)]
    folder = export(tmp_path, users, [a_label(user) for user in users])
    code, output = await imported(database, folder)
    assert (code, output.splitlines()) == (
        0,
        [
            "1000 users imported",
            "0 users were there already",
            f"10 rows in {folder / 'users.otp_off.csv'}",
        ],
    )
    kept = await users_of(database)
    assert list(kept) == [user["uid"] for user in users]
    assert await events_of(database) == 1000
    assert list(report(folder, "users.otp_off")) == list(range(2, 1002, 100))
    assert not any(user["otp"] for user in kept.values())

    code, output = await imported(database, folder)
    assert (code, output.splitlines()[:2]) == (
        0,
        ["0 users imported", "1000 users were there already"],
    )
    assert await users_of(database) == kept
    assert await events_of(database) == 1000


async def test_everything_of_a_user_is_kept(database: TestDatabase, tmp_path: Path) -> None:
    referrer = a_user()
    user = a_user(
        email="The.Imported@Example.com",
        role="support",
        level="2",
        state="locked",
        data='{"language": "en"}',
        referral_id=referrer["id"],
    )
    labels = [
        a_label(user),
        a_label(user, key="otp", value="enabled"),
        a_label(user, key="Color", value="Blue", scope="public", description="their choice"),
    ]
    # The referrer comes after them in the file.
    code, output = await imported(database, export(tmp_path, [user, referrer], labels))
    assert code == 0, output
    kept = (await users_of(database))[user["uid"]]
    assert {name: kept[name] for name in ("email", "role", "level", "state", "otp", "data")} == {
        "email": "The.Imported@Example.com",
        "role": "support",
        "level": 2,
        "state": "locked",
        "otp": False,
        "data": '{"language": "en"}',
    }
    assert kept["password_digest"] == user["password_digest"]
    assert kept["referral_uid"] == referrer["uid"]
    assert str(kept["created_at"]) == "2021-03-04 05:06:07+00:00"
    assert str(kept["updated_at"]) == "2022-03-04 05:06:07.123456+00:00"
    assert kept["email_confirmed_at"] == kept["updated_at"]
    assert (kept["private_labels"], kept["labels_version"]) == ('{"email": "verified"}', 0)


BAD_ROWS: tuple[tuple[dict[str, str], list[str]], ...] = (
    ({"uid": ""}, ["uid.missing"]),
    ({"uid": "id0123456789"}, ["uid.invalid"]),
    ({"uid": "ID012345678"}, ["uid.invalid"]),
    ({"email": "NULL"}, ["email.missing"]),
    ({"email": "nobody"}, ["email.invalid"]),
    ({"email": f"{'x' * 250}@example.com"}, ["email.invalid"]),
    ({"password_digest": ""}, ["password_digest.missing"]),
    ({"password_digest": "secret"}, ["password_digest.invalid"]),
    ({"password_digest": f"$2a$31${'.' * 53}"}, ["password_digest.invalid"]),
    ({"role": "me & my role"}, ["role.invalid"]),
    ({"role": "r" * 64}, ["role.invalid"]),
    ({"level": "-1"}, ["level.invalid"]),
    ({"level": "4"}, ["level.invalid"]),
    ({"level": "²"}, ["level.invalid"]),
    ({"state": "asleep"}, ["state.invalid"]),
    ({"otp": "perhaps"}, ["otp.invalid"]),
    ({"data": "{"}, ["data.invalid_format"]),
    ({"data": '"' + "x" * 1024 + '"'}, ["data.too_long"]),
    ({"referral_id": "0"}, ["referral_id.invalid"]),
    ({"referral_id": "99999999999999999999"}, ["referral_id.invalid"]),
    ({"referral_id": "999999999"}, ["referral.unknown"]),
    ({"created_at": "2021-02-30 00:00:00"}, ["created_at.invalid"]),
    ({"created_at": "0001-01-01 00:00:00+14:00"}, ["created_at.invalid"]),
    ({"updated_at": "9999-12-31 23:59:59"}, ["updated_at.invalid"]),
    ({"role": "a\x00b"}, ["row.nul"]),
    ({"data": "x" * 200_000}, ["row.unreadable"]),
    ({"uid": "", "level": "x", "state": ""}, ["uid.missing", "level.invalid", "state.missing"]),
    ({"email": "Admin@Barong.io"}, ["email.taken"]),
)  # fmt: skip


async def test_bad_rows_are_refused_and_the_others_imported(
    database: TestDatabase, tmp_path: Path
) -> None:
    good, bad = a_user(), [a_user(**values) for values, _ in BAD_ROWS]
    folder = export(tmp_path, [good, *bad])
    with (folder / "users.csv").open("ab") as file:
        file.write(b"1,2\n\n")
        file.write(b'2,"\xff",' + b"x," * 9 + b"x\n")
        file.write(b'3,"a"b,' + b"x," * 9 + b"x\n")
        file.write(b'4,"never closed')
    code, output = await imported(database, folder)
    assert code == 1, output
    assert "Traceback" not in output
    assert list(await users_of(database)) == [good["uid"]]
    reasons = report(folder, "users.refused")
    assert [reasons[line] for line in sorted(reasons)] == [
        *(wanted for _, wanted in BAD_ROWS),
        ["row.columns"],
        ["row.encoding"],
        ["row.unreadable"],
        ["row.unreadable"],
    ]
    assert f"{len(reasons)} rows in {folder / 'users.refused.csv'}" in output

    mended = [a_user() for _ in bad]
    code, output = await imported(database, export(tmp_path, [good, *mended]))
    assert (code, output.splitlines()) == (
        0,
        [f"{len(BAD_ROWS)} users imported", "1 users were there already"],
    )
    assert not (folder / "users.refused.csv").exists()


async def test_uids_and_addresses_that_come_twice_are_refused(
    database: TestDatabase, tmp_path: Path
) -> None:
    first, other = a_user(), a_user()
    again = a_user(uid=first["uid"])
    same_address = a_user(email=other["email"].upper())
    folder = export(tmp_path, [first, other, again, same_address])
    for _ in range(2):
        assert (await imported(database, folder))[0] == 1
        assert set(await users_of(database)) == {first["uid"], other["uid"]}
        assert report(folder, "users.refused") == {4: ["uid.taken"], 5: ["email.taken"]}


async def test_a_user_with_a_bad_label_waits_until_it_is_mended(
    database: TestDatabase, tmp_path: Path
) -> None:
    user, fine, twice = a_user(), a_user(), a_user()
    nobody = {"id": "987654321"}
    labels = [
        a_label(user, key="x"),
        a_label(fine),
        a_label(nobody),
        a_label(twice),
        a_label(twice),
    ]
    folder = export(tmp_path, [user, fine, twice], labels)
    assert (await imported(database, folder))[0] == 1
    assert report(folder, "labels.refused") == {2: ["key.invalid"], 4: ["user.unknown"]}
    assert report(folder, "users.refused") == {2: ["labels.refused"], 4: ["labels.taken"]}
    assert list(await users_of(database)) == [fine["uid"]]
    folder = export(tmp_path, [user, fine, twice], [a_label(user), a_label(fine), a_label(twice)])
    assert (await imported(database, folder))[0] == 0
    assert len(await users_of(database)) == 3


async def test_a_dry_run_writes_nothing_but_the_reports(
    database: TestDatabase, tmp_path: Path
) -> None:
    folder = export(tmp_path, [a_user(), a_user(level="x")])
    code, output = await imported(database, folder, "--dry-run")
    assert (code, output.splitlines()[0]) == (1, "1 users would be imported")
    assert await users_of(database) == {}
    assert await events_of(database) == 0
    assert report(folder, "users.refused") == {3: ["level.invalid"]}


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "No such file"),
        (b"", "lacks columns: uid, email"),
        (b"\xff\xfe\x00binary\x00", "lacks columns"),
        (b"uid,uid\n", "two columns of the same name"),
        (b'"uid\n', "is no CSV"),
        (b"uid,email,password_digest,role,level,state,created_at,updated_at,referral_id\n", "id"),
    ],
)
async def test_an_unusable_file_is_told_plainly(
    database: TestDatabase, tmp_path: Path, content: bytes | None, fault: str
) -> None:
    if content is not None:
        (tmp_path / "users.csv").write_bytes(content)
    code, output = await imported(database, tmp_path)
    assert code == 1
    assert fault in output
    assert output.startswith("identity-svc: ")
    assert "Traceback" not in output
    assert (await imported(database, tmp_path / "nowhere"))[0] == 1


async def test_two_imports_at_once_are_one(database: TestDatabase, tmp_path: Path) -> None:
    users = [a_user() for _ in range(1000)]
    folder = export(tmp_path, users)
    results = await asyncio.gather(*(imported(database, folder) for _ in range(2)))
    assert sorted(code or 0 for code, _ in results) in ([0, 0], [0, 1])
    assert all(code == 0 or "another import runs" in output for code, output in results)
    assert len(await users_of(database)) == 1000
    assert await events_of(database) == 1000


async def test_killed_in_the_middle_it_finishes_when_it_is_run_again(
    database: TestDatabase, tmp_path: Path
) -> None:
    users = [a_user() for _ in range(4000)]
    folder = export(tmp_path, users, [a_label(user) for user in users])
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "identity_svc", "import-users", str(folder)),
        env={**os.environ, **ENVIRONMENT, "DATABASE_URL": database.dsns["identity"]},
    )
    async with database.connected() as connection:
        await until(lambda: _counted(connection), 60)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        made = await _counted(connection)
        assert 0 < made < 4000
        assert made % 500 == 0, "batches are whole"
    assert await events_of(database) == made
    code, output = await imported(database, folder)
    assert (code, output.splitlines()) == (
        0,
        [f"{4000 - made} users imported", f"{made} users were there already"],
    )
    assert await events_of(database) == len(await users_of(database)) == 4000


async def _counted(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    count: int = await connection.fetchval(
        "SELECT count(*) FROM identity.users WHERE email LIKE 'imported%'"
    )
    return count


async def test_an_imported_user_logs_in_and_keeps_his_labels(
    system_of_my_own: Installation, database: TestDatabase, tmp_path: Path
) -> None:
    system = system_of_my_own
    user = a_user(level="1", data='{"language": "en"}')
    labels = [a_label(user), a_label(user, key="color", value="blue", scope="public")]
    async with started(system):
        code, output = await imported(database, export(tmp_path, [user], labels))
        assert code == 0, output
        async with Client(system) as client:

            async def labelled() -> bool:
                got = await client.log_in(user["email"])
                assert got.status == 201
                return len(got.body["labels"]) == 2

            await until(labelled)
            me = (await client.get("resource/users/me")).body
            assert (me["uid"], me["state"], me["level"]) == (user["uid"], "active", 1)
            assert me["created_at"] == "2021-03-04T05:06:07Z"
            assert [(label["key"], label["created_at"]) for label in me["labels"]] == [
                ("email", "2021-03-04T05:07:00Z"),
                ("color", "2021-03-04T05:07:00Z"),
            ]
            digest = (await users_of(database))[user["uid"]]["password_digest"]
            assert digest.startswith("$argon2id$"), "it was upgraded"
        await _another_private_label_is_one_more(system, user["uid"])


async def _another_private_label_is_one_more(system: Installation, uid: str) -> None:
    """resource-svc publishes all labels, imported ones as well."""
    tokens = ServiceTokens(IDENTITY, KeyRing.parse(KEY))
    resource = ResourceClient(system.internal_url("resource"), tokens)
    async with resource.opened():
        labels = await resource.put_private_label(uid, "phone", "verified")
    assert labels.labels == {"email": "verified", "phone": "verified"}
    assert labels.version == 2
    async with Client(system) as admin:
        await admin.log_in_as_superadmin()

        async def promoted() -> bool:
            found = (await admin.get("admin/users", params={"uid": uid})).body
            return [user["level"] for user in found] == [2]

        assert await until(promoted)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
async def test_tables_of_spreadsheet_programs_are_read(
    database: TestDatabase, tmp_path: Path, separator: str, encoding: str
) -> None:
    user = a_user()
    user["email"] = f" imported{next(_numbers)}@m\u00fcller.de"
    with (tmp_path / "users.csv").open("w", newline="", encoding=encoding) as file:
        writer = csv.DictWriter(file, user, delimiter=separator, quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerow(user)
    code, output = await imported(database, tmp_path)
    assert code == 0, output
    kept = (await users_of(database))[user["uid"]]
    assert kept["email"] == user["email"].strip().replace("m\u00fcller", "xn--mller-kva")
