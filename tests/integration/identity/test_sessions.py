"""Sessions: opened, prolonged, ended by time, by their owner and by other services."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from pathlib import Path

import aiohttp
import pytest

from deploy.local import rabbitmq
from identity_svc.sessions.models import Lifetime
from shared.clients.identity import IdentityClient
from shared.contracts.labels import PrivateLabels
from shared.contracts.services import GATEWAY
from shared.contracts.sessions import session_key
from shared.errors import NotFound, Unavailable
from shared.process import running
from tests.support.client import USER_AGENT, Client
from tests.support.database import TestDatabase
from tests.support.events import Ear
from tests.support.internal import AT_HOME, identity_of, tables_of_identity
from tests.support.system import PASSWORD, Installation, installation, started
from tests.support.waiting import HEARD_SECONDS, until

LOG_IN = "identity/sessions"


@pytest.fixture
async def identity(system: Installation) -> AsyncIterator[IdentityClient]:
    """The internal API as resource-svc calls it."""
    async with identity_of(system) as made:
        yield made


@pytest.fixture
async def uid(client: Client) -> str:
    """A member's."""
    return str((await client.become_member()).body["uid"])


async def refused(client: Client) -> bool:
    """Whether the gateway knows no session of this client any more."""
    answer = await client.get("resource/users/me")
    return answer.status == 401 and answer.errors == ["authz.invalid_session"]


@pytest.mark.parametrize(
    ("form", "status", "codes"),
    [
        ({}, 400, ["identity.session.missing_email", "identity.session.missing_password"]),
        ({"password": "x"}, 400, ["identity.session.missing_email"]),
        ({"email": "x"}, 400, ["identity.session.missing_password"]),
        ({"email": "", "password": "x"}, 401, ["identity.session.invalid_params"]),
        ({"email": "   ", "password": "x"}, 401, ["identity.session.invalid_params"]),
        ({"email": "x", "password": ""}, 401, ["identity.session.invalid_params"]),
        ({"email": "a@b.com", "password": "x" * 1000}, 401, ["identity.session.invalid_params"]),
        ({"email": "x" * 1025, "password": "x"}, 422, ["invalid"]),
    ],
)
async def test_faults_of_logging_in(
    client: Client, form: Mapping[str, str], status: int, codes: list[str]
) -> None:
    answer = await client.post(LOG_IN, form)
    assert (answer.status, answer.errors) == (status, codes)


# Barong reveals the state without the password; we reveal it only to a caller who knows it.
@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("banned", "identity.session.banned"),
        ("deleted", "identity.session.deleted"),
        ("locked", "identity.session.not_active"),
        ("whatever", "identity.session.not_active"),
    ],
)
async def test_a_state_that_forbids_a_session_is_told_to_who_knows_the_password(
    client: Client, uid: str, system: Installation, state: str, code: str
) -> None:
    async with tables_of_identity(system) as tables:
        await tables.execute("UPDATE users SET state = $2 WHERE uid = $1", uid, state)
    answer = await client.log_in()
    assert (answer.status, answer.errors) == (401, [code])
    answer = await client.log_in(password="wrong")
    assert (answer.status, answer.errors) == (401, ["identity.session.invalid_params"])


@pytest.mark.parametrize("cookie", ["", "x", "x" * 3000])
async def test_faults_of_logging_out(client: Client, cookie: str) -> None:
    headers = {"Cookie": f"_barong_session={cookie}"} if cookie else {}
    answer = await client.call("DELETE", LOG_IN, headers=headers)
    assert (answer.status, answer.errors) == (404, ["identity.session.not_found"])


async def test_the_address_may_be_in_any_case(client: Client, uid: str) -> None:
    assert (await client.log_in(client.email.upper())).body["uid"] == uid


async def test_sessions_are_listed(
    client: Client, uid: str, identity: IdentityClient, system: Installation
) -> None:
    before = {session["sid"] for session in await identity.sessions(uid)}
    async with Client(system) as other:
        headers = {"User-Agent": "curl/8", "X-Forwarded-For": "203.0.113.7"}
        form = {"email": client.email, "password": PASSWORD}
        assert (await other.post(LOG_IN, form, headers=headers)).status == 201
        listed = await identity.sessions(uid)
        newest = listed[0]
    assert set(newest) == {"sid", "address", "user_agent", "created_at", "expires_at"}
    assert (newest["address"], newest["user_agent"]) == ("203.0.113.7", "curl/8")
    assert newest["created_at"] < newest["expires_at"]
    assert {session["sid"] for session in listed[1:]} == before
    assert {session["user_agent"] for session in listed[1:]} == {USER_AGENT}
    assert await identity.sessions("ID0000000000") == []


async def test_one_session_is_revoked(
    client: Client, uid: str, identity: IdentityClient, system: Installation
) -> None:
    async with Client(system) as other:
        other.email = client.email
        await other.log_in()
        assert (await other.get("resource/users/me")).status == 200
        sid = (await identity.sessions(uid))[0]["sid"]
        await identity.revoke_session_of(uid, sid)
        await until(lambda: refused(other), HEARD_SECONDS)
    assert (await client.get("resource/users/me")).status == 200
    assert sid not in {session["sid"] for session in await identity.sessions(uid)}
    with pytest.raises(NotFound):
        await identity.revoke_session_of(uid, sid)


async def test_a_session_is_revoked_for_its_own_user_only(
    client: Client, uid: str, identity: IdentityClient, system: Installation
) -> None:
    sid = (await identity.sessions(uid))[0]["sid"]
    async with Client(system) as other:
        member = str((await other.become_member()).body["uid"])
    for user in (member, "ID0000000000"):
        with pytest.raises(NotFound) as not_his:
            await identity.revoke_session_of(user, sid)
        assert not_his.value.codes == ("identity.session.not_found",)
    with pytest.raises(NotFound):
        await identity.revoke_session_of(uid, str(uuid.uuid4()))
    assert (await client.get("resource/users/me")).status == 200


async def test_sessions_are_listed_page_by_page(
    uid: str, identity: IdentityClient, system: Installation
) -> None:
    async with tables_of_identity(system) as tables:
        await tables.execute(
            """
            INSERT INTO sessions (
                sid, key, csrf_digest, uid, user_agent, address, network,
                created_at, expires_at, absolute_expires_at
            )
            SELECT
                gen_random_uuid(), gen_random_uuid()::text, '', $1, number::text, '192.0.2.7',
                '192.0.0.0/16', now() + number * interval '1 second', ends, ends
            FROM generate_series(1, 230) AS number, (SELECT now() + interval '1 hour') AS _ (ends)
            """,
            uid,
        )
    page, total = await identity.sessions_of(uid, 3, 20)
    assert total == 230 + 2  # those of sign-up and confirmation
    assert [session["user_agent"] for session in page] == [str(n) for n in range(190, 170, -1)]
    assert await identity.sessions_of(uid, 4, 100) == ([], total)
    assert len({session["sid"] for session in await identity.sessions(uid)}) == total


async def test_the_gateway_may_end_sessions_but_not_list_them(
    uid: str, identity: IdentityClient, system: Installation
) -> None:
    sid = (await identity.sessions(uid))[0]["sid"]
    async with identity_of(system, GATEWAY) as gateway:
        with pytest.raises(Unavailable):
            await gateway.sessions(uid)
        await gateway.revoke_session(sid)
        await gateway.revoke_session(sid)
    assert sid not in {session["sid"] for session in await identity.sessions(uid)}


@pytest.fixture
async def strict(system: Installation) -> AsyncIterator[str]:
    """Where one logs in at another identity-svc, which lets a user have three sessions."""
    settings = {"BARONG_PORT": "0", "BARONG_INTERNAL_PORT": "0", "BARONG_SESSIONS_PER_USER": "3"}
    async with running(system.service("identity", **settings)) as addresses:
        async with aiohttp.ClientSession() as http:
            await until(lambda: _ready(http, addresses.internal))
        yield f"{addresses.public}/api/v2/identity/sessions"


async def _ready(http: aiohttp.ClientSession, internal: str) -> bool:
    async with http.get(f"{internal}/health/ready") as answer:
        return answer.status == 200


async def _log_in(url: str, email: str, password: str = PASSWORD) -> int:
    form = {"email": email, "password": password}
    async with aiohttp.ClientSession() as http, http.post(url, data=form) as answer:
        return answer.status


async def test_one_session_too_many_ends_the_oldest(
    client: Client, uid: str, identity: IdentityClient, strict: str, ear: Ear
) -> None:
    mine, signed_up = [session["sid"] for session in await identity.sessions(uid)]
    assert await _log_in(strict, client.email) == 201
    assert await _log_in(strict, client.email, "wrong") == 401
    assert {mine, signed_up} < {session["sid"] for session in await identity.sessions(uid)}
    assert await _log_in(strict, client.email) == 201
    assert signed_up not in {session["sid"] for session in await identity.sessions(uid)}
    assert (await client.get("resource/users/me")).status == 200
    assert await _log_in(strict, client.email) == 201
    await until(lambda: refused(client), HEARD_SECONDS)
    assert len(await identity.sessions(uid)) == 3

    async def revoked() -> bool:
        ended = [e.record["sid"] for e in ear.events if e.name == "system.session.revoked"]
        return [sid for sid in ended if sid in (mine, signed_up)] == [signed_up, mine]

    await until(revoked)


async def test_log_ins_at_once_leave_no_session_too_many(
    client: Client, uid: str, identity: IdentityClient, strict: str, system: Installation
) -> None:
    async with tables_of_identity(system) as tables, tables_of_identity(system) as observer:

        async def all_wait() -> bool:
            waiting = await observer.fetchval(
                """
                SELECT count(*)
                FROM pg_stat_activity
                WHERE datname = current_database()
                  AND application_name = 'identity-svc'
                  AND wait_event_type = 'Lock'
                """
            )
            return bool(waiting >= 6)

        async with tables.transaction():
            await tables.execute("SELECT FROM users WHERE uid = $1 FOR UPDATE", uid)
            log_ins = asyncio.gather(*(_log_in(strict, client.email) for _ in range(6)))
            await until(all_wait)
    assert await log_ins == [201] * 6
    assert len(await identity.sessions(uid)) == 3


async def test_a_state_that_forbids_log_in_ends_all_sessions(
    client: Client, uid: str, identity: IdentityClient
) -> None:
    assert (await client.get("resource/users/me")).status == 200
    labels = {"email": "verified", "fraud": "cards"}
    await identity.apply_labels(PrivateLabels(uid, 1000, labels))
    await until(lambda: refused(client), HEARD_SECONDS)
    assert await identity.sessions(uid) == []


async def test_a_log_in_with_a_password_that_is_being_replaced_opens_nothing(
    client: Client, uid: str, identity: IdentityClient
) -> None:
    """Of log-ins and a change at the same time, no session of the old password is left."""
    new = "Kd8-vFq2!mZx04pL"
    log_ins = asyncio.gather(*(client.log_in() for _ in range(10)))
    await identity.change_password(uid, PASSWORD, new, None, AT_HOME)
    assert {answer.status for answer in await log_ins} <= {201, 401}
    assert await identity.sessions(uid) == []


@pytest.fixture(scope="module")
async def hasty(
    database_template: TestDatabase, rabbitmq_folder: Path, mail_folder: Path, smtp_port: int
) -> AsyncIterator[Installation]:
    """A system whose sessions live for four seconds after their last use."""
    url = rabbitmq.add_vhost(rabbitmq_folder, "hasty-system")
    made = installation(
        await database_template.clone(),
        url,
        mail_folder,
        smtp_port,
        BARONG_SESSION_EXPIRE_TIME="4",
    )
    async with started(made):
        yield made


async def test_an_unused_session_ends(hasty: Installation) -> None:
    async with Client(hasty) as client:
        await client.become_member()

        async def used() -> bool:
            """Whether a session was used in time."""
            await client.log_in()
            return (await client.get("resource/users/me")).status == 200

        await until(used)
        async with tables_of_identity(hasty) as tables:

            async def over() -> bool:
                query = "SELECT expires_at + interval '0.1 s' < now() FROM sessions WHERE key = $1"
                return bool(await tables.fetchval(query, session_key(client.cookie)))

            await until(over)
        assert await refused(client)


@pytest.mark.parametrize(("life", "step"), [(1800, 60), (86_400, 60), (60, 2), (4, 4 / 30)])
def test_a_session_ends_early_by_no_more_than_a_minute_or_a_thirtieth(
    life: int, step: float
) -> None:
    assert Lifetime(life, 86_400).step == step


async def test_use_prolongs_a_session_once_more_than_a_minute_is_used_up(
    system: Installation, client: Client, uid: str, identity: IdentityClient
) -> None:
    key = session_key(client.cookie)
    async with identity_of(system, GATEWAY) as gateway, tables_of_identity(system) as tables:

        async def resolved(used_up: float) -> tuple[float, bool]:
            """Seconds of life after a use that found so many used up, and whether it was written.

            What the gateway is told is what is stored.
            """
            before = await tables.fetchval(
                """
                UPDATE sessions
                SET expires_at = now() + make_interval(secs => 1800 - $2::float8)
                WHERE key = $1
                RETURNING xmin::text
                """,
                key,
                used_up,
            )
            session = await gateway.resolve_session(key)
            row = await tables.fetchrow(
                """
                SELECT xmin::text, expires_at, extract(epoch FROM expires_at - now()) AS left
                FROM sessions
                WHERE key = $1
                """,
                key,
            )
            assert session.user.uid == uid
            assert row is not None
            assert session.expires_at == row["expires_at"]
            return float(row["left"]), row["xmin"] != before

        left, written = await resolved(used_up=40)
        assert left < 1760
        assert not written
        left, written = await resolved(used_up=61)
        assert left > 1790
        assert written
        left, written = await resolved(used_up=0)
        assert not written
        # The life was made shorter by the settings: it counts from now on.
        left, written = await resolved(used_up=-600)
        assert left <= 1800
        assert written


async def test_a_session_that_is_resolved_eight_times_at_once_is_prolonged(
    system: Installation, client: Client, uid: str, identity: IdentityClient
) -> None:
    key = session_key(client.cookie)
    async with identity_of(system, GATEWAY) as gateway, tables_of_identity(system) as tables:
        await tables.execute(
            "UPDATE sessions SET expires_at = now() + interval '5 minutes' WHERE key = $1", key
        )
        sessions = await asyncio.gather(*(gateway.resolve_session(key) for _ in range(8)))
        assert {session.user.uid for session in sessions} == {uid}
        left = await tables.fetchval(
            "SELECT extract(epoch FROM expires_at - now()) FROM sessions WHERE key = $1", key
        )
        assert 1790 < left <= 1800


async def test_prolonging_writes_the_row_and_none_of_its_indexes(hasty: Installation) -> None:
    """HOT updates, as PostgreSQL counts them: only where no index has the column."""
    async with (
        Client(hasty) as client,
        identity_of(hasty, GATEWAY) as identity,
        tables_of_identity(hasty) as tables,
    ):
        await client.become_member()
        key = session_key(client.cookie)

        async def updates() -> tuple[int, int]:
            row = await tables.fetchrow(
                """
                SELECT n_tup_upd, n_tup_hot_upd
                FROM pg_stat_user_tables
                WHERE schemaname = 'identity'
                  AND relname = 'sessions'
                """
            )
            assert row is not None
            return row["n_tup_upd"], row["n_tup_hot_upd"]

        before = await updates()
        async with tables.transaction():
            for _ in range(5):
                await tables.execute(
                    "UPDATE sessions SET expires_at = now() + interval '1 h' WHERE key = $1", key
                )
        await identity.resolve_session(key)

        async def counted() -> bool:
            return (await updates())[0] - before[0] >= 6

        await until(counted)
        every, hot = await updates()
        assert hot - before[1] == every - before[0]


async def test_use_prolongs_a_session_up_to_a_limit(
    system: Installation, client: Client, uid: str
) -> None:
    async with identity_of(system, GATEWAY) as identity, tables_of_identity(system) as tables:
        key = session_key(client.cookie)

        async def ends() -> datetime:
            ending: datetime = await tables.fetchval(
                "SELECT expires_at FROM sessions WHERE key = $1", key
            )
            return ending

        async def used(seconds: float) -> None:
            """So much of its life passes."""
            await tables.execute(
                """
                UPDATE sessions
                SET expires_at = expires_at - make_interval(secs => $2)
                WHERE key = $1
                """,
                key,
                seconds,
            )

        await used(120)
        before = await ends()
        session = await identity.resolve_session(key)
        assert session.user.email == client.email
        after = await ends()
        assert after > before
        await tables.execute(
            "UPDATE sessions SET absolute_expires_at = $2 WHERE key = $1", key, after
        )
        await used(120)
        await identity.resolve_session(key)
        assert await ends() == after
        await tables.execute("UPDATE sessions SET expires_at = now() WHERE key = $1", key)
        with pytest.raises(NotFound):
            await identity.resolve_session(key)
        assert await refused(client)
