"""The directory is built anew from its owners while everything runs."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from typing import Any, TypeAlias

import asyncpg
import pytest

from admin_svc.directory.rebuild import AnotherRebuildRuns, DirectoryRebuild
from admin_svc.directory.use_cases import Directory
from admin_svc.schema import SCHEMA
from admin_svc.user_counts.use_cases import UserCounts
from shared.clients.identity import IdentityClient
from shared.clients.resource import ResourceClient
from shared.contracts.services import ADMIN
from shared.crypto.key_ring import KeyRing
from shared.database.pool import Database
from shared.tokens.service import ServiceTokens
from tests.support.client import Client
from tests.support.internal import tables_of_admin, tables_of_resource
from tests.support.seeds import command, outcome
from tests.support.system import KEY, Installation, started
from tests.support.waiting import until

Tables: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
PEOPLE = 5


@pytest.fixture
async def mine(system_of_my_own: Installation) -> AsyncIterator[Installation]:
    """A system with a few members, whom the directory knows, and one row to lose for each of them.

    All events are applied: nothing but a rebuild mends what is then spoilt.
    """
    async with started(system_of_my_own):
        for _ in range(PEOPLE):
            async with Client(system_of_my_own) as member:
                await member.become_member()
                profile = {"first_name": "Ann", "country": "NO"}
                assert (await member.post("resource/profiles", profile)).status == 201
        async with tables_of_admin(system_of_my_own) as tables:
            await until(lambda: _all_known(tables))
        yield system_of_my_own


async def _all_known(tables: Tables) -> bool:
    return bool(
        await tables.fetchval(
            """
            SELECT count(*) = $1
            FROM users
            WHERE level = 1 AND facets @> '{country:NO,private:profile:drafted}'
            """,
            PEOPLE,
        )
    )


async def contents(tables: Tables) -> list[list[dict[str, Any]]]:
    """All that the directory shows."""
    queries = (
        "SELECT * FROM users ORDER BY uid",
        "SELECT * FROM attachments WHERE version > 0 ORDER BY uid, kind",
        "SELECT * FROM profile_positions ORDER BY id",
    )
    return [[dict(row) for row in await tables.fetch(query)] for query in queries]


async def spoil(tables: Tables) -> None:
    """Loses one user, forgets what others changed, and adds unknown users before and after all."""
    await tables.execute("DELETE FROM users WHERE uid = (SELECT min(uid) FROM users)")
    await tables.execute("DELETE FROM attachments WHERE uid = (SELECT max(uid) FROM attachments)")
    await tables.execute("UPDATE users SET version = 0, state = 'lost', facets = '{}'")
    await tables.execute("UPDATE attachments SET version = 0, records = '[]', facets = '{}'")
    await tables.execute("DELETE FROM profile_positions")
    for uid in ("ID", "ZZ0123456789"):
        await tables.execute(
            """
            INSERT INTO users (uid, version, email, role, level, otp, state, created_at, updated_at)
            VALUES ($1, 9, 'unknown', 'member', 0, false, 'active', now(), now())
            """,
            uid,
        )
        await tables.execute(
            """
            INSERT INTO attachments (uid, kind, version, records, facets, names)
            VALUES ($1, 'phones', 9, '[]', '{}', '')
            """,
            uid + "0",
        )


def environment(system: Installation) -> Mapping[str, str]:
    return system.environments["admin"]


async def test_what_was_lost_comes_back_and_unknown_users_go(mine: Installation) -> None:
    async with tables_of_admin(mine) as tables:
        before = await contents(tables)
        await spoil(tables)
        output = await command("admin_svc", "rebuild-directory", environment(mine))
        assert f"{PEOPLE + 1} users up to" in output
        assert "4 removed" in output.splitlines()[-1]
        assert await contents(tables) == before
        again = await command("admin_svc", "rebuild-directory", environment(mine))
        assert "0 removed" in again.splitlines()[-1]
        assert await contents(tables) == before
        counted = "SELECT sum(users) FROM user_counts WHERE clock = 'created' AND country = ''"
        assert await tables.fetchval(counted) == PEOPLE + 1


async def test_what_users_are_found_by_follows_the_release(mine: Installation) -> None:
    async with tables_of_admin(mine) as tables:
        before = await contents(tables)
        for table in ("users", "attachments"):  # as an earlier release described them
            await tables.execute(f"UPDATE {table} SET facets = '{{label:old:facet}}'")
        await command("admin_svc", "rebuild-directory", environment(mine), "--anew")
        assert await contents(tables) == before


async def test_an_erased_user_does_not_come_back(mine: Installation) -> None:
    async with tables_of_admin(mine) as tables:
        uid = await tables.fetchval("SELECT max(uid) FROM users")
        await tables.execute("INSERT INTO erased_users (uid) VALUES ($1)", uid)
        for table in ("users", "attachments"):
            await tables.execute(f"DELETE FROM {table} WHERE uid = $1", uid)
        await command("admin_svc", "rebuild-directory", environment(mine))
        assert await tables.fetchval("SELECT count(*) FROM users WHERE uid = $1", uid) == 0
        assert await tables.fetchval("SELECT count(*) FROM attachments WHERE uid = $1", uid) == 0


async def test_killed_at_any_page_it_goes_on_there(mine: Installation) -> None:
    tokens = ServiceTokens(ADMIN, KeyRing.parse(KEY))
    database = Database(environment(mine)["DATABASE_URL"], SCHEMA)
    identity = IdentityClient(mine.internal_url("identity"), tokens)
    resource = ResourceClient(mine.internal_url("resource"), tokens)
    counts = UserCounts(database)
    directory = Directory(database, counts, resource)
    rebuild = DirectoryRebuild(database, directory, counts, identity, resource, page_size=1)
    async with tables_of_admin(mine) as tables, database.opened():
        before = await contents(tables)
        await spoil(tables)
        async with identity.opened(), resource.opened():
            counted = []
            for _ in range(PEOPLE + 2):  # one page each time, then the end
                attempt = rebuild.run(anew=False)
                done = await anext(attempt)
                counted.append(done.users)
                with pytest.raises(AnotherRebuildRuns):
                    await anext(rebuild.run(anew=False))
                await attempt.aclose()
            assert counted == [*range(1, PEOPLE + 2), PEOPLE + 1]
        assert await contents(tables) == before
        assert await tables.fetchval("SELECT count(*) FROM directory_rebuild") == 0


async def test_killed_for_good_and_started_again(mine: Installation) -> None:
    async with tables_of_admin(mine) as tables, tables_of_resource(mine) as resource:
        before = await contents(tables)
        await spoil(tables)
        async with resource.transaction():
            await resource.execute("LOCK TABLE label_sets")  # here it is held up
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "admin_svc", "rebuild-directory"),
                env=dict(environment(mine)),
            )

            async def has_begun() -> bool:
                return bool(await tables.fetchval("SELECT count(*) FROM directory_rebuild"))

            await until(has_begun, 30)
            process.kill()
            await process.wait()
        await command("admin_svc", "rebuild-directory", environment(mine), "--anew")
        assert await contents(tables) == before


async def test_changes_while_it_runs_are_not_undone(mine: Installation) -> None:
    async with Client(mine) as admin, Client(mine) as member:
        await admin.log_in_as_superadmin()

        async def change() -> list[str]:
            uids = []
            for _ in range(3):
                uids.append((await member.become_member()).body["uid"])
                form = {"uid": uids[-1], "state": "locked"}
                assert (await admin.post("admin/users/update", form)).status == 201
            return uids

        uids, *_ = await asyncio.gather(
            change(), *(command("admin_svc", "rebuild-directory", environment(mine)),)
        )
        async with tables_of_admin(mine) as tables:

            async def all_locked() -> bool:
                sql = "SELECT count(*) FROM users WHERE uid = ANY($1) AND state = 'locked'"
                return bool(await tables.fetchval(sql, uids) == len(uids))

            await until(all_locked)


async def test_an_owner_who_is_away_is_said(mine: Installation) -> None:
    away = {**environment(mine), "BARONG_RESOURCE_INTERNAL_URL": "http://127.0.0.1:9"}
    code, output = await outcome("admin_svc", "rebuild-directory", away)
    assert code == 1
    assert "resource-svc does not answer" in output
    async with tables_of_admin(mine) as tables:
        assert len((await contents(tables))[0]) == PEOPLE + 1
