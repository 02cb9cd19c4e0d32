"""Passwords: their strength, how they are kept, and who may change them."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path

import aiohttp
import bcrypt
import pytest
from argon2 import PasswordHasher as Argon2

from shared.clients.identity import IdentityClient
from shared.errors import Invalid, NotFound
from tests.support.client import Client
from tests.support.even_times import ALIKE, slowest_to_fastest
from tests.support.events import listening
from tests.support.internal import AT_HOME, identity_of, tables_of_identity
from tests.support.system import PASSWORD, Installation, ready
from tests.support.waiting import HEARD_SECONDS, until

pytestmark = pytest.mark.xdist_group("machine")

VALIDATE = "identity/password/validate"
NEW = "Kd8-vFq2!mZx04pL"
LONG = "aB3" * 26


@pytest.fixture
async def identity(system: Installation) -> AsyncIterator[IdentityClient]:
    """The internal API as resource-svc calls it."""
    async with identity_of(system) as made:
        yield made


@pytest.fixture
async def uid(client: Client) -> str:
    """A member's."""
    return str((await client.become_member()).body["uid"])


@pytest.mark.parametrize(
    ("password", "least", "most"),
    [("Tecohvi0", 15, 30), ("password", 0, 5), ("Kd8-vFq2!mZx04pL", 45, 70), ("a", 0, 5)],
)
async def test_strength_is_told_in_bits(
    client: Client, password: str, least: float, most: float
) -> None:
    answer = await client.post(VALIDATE, {"password": password})
    assert answer.status == 201
    assert set(answer.body) == {"entropy"}
    assert least <= answer.body["entropy"] <= most


@pytest.mark.parametrize("password", ["", "   "])
async def test_a_blank_password_is_a_weak_one(client: Client, password: str) -> None:
    answer = await client.post(VALIDATE, {"password": password})
    assert answer.status == 201
    assert answer.body["entropy"] < 6


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ({}, ["identity.general.missing_password"]),
        ({"password": ["a"]}, ["invalid"]),
        ({"password": {"a": "b"}}, ["invalid"]),
        ({"password": "x" * 1025}, ["invalid"]),
    ],
)
async def test_faults_of_asking_for_strength(
    client: Client, body: Mapping[str, object], codes: list[str]
) -> None:
    answer = await client.call("POST", VALIDATE, None, json=body)
    assert (answer.status, answer.errors) == (422, codes)


async def digest_of(system: Installation, uid: str) -> str:
    async with tables_of_identity(system) as tables:
        return str(await tables.fetchval("SELECT password_digest FROM users WHERE uid = $1", uid))


async def keep(system: Installation, uid: str, digest: str) -> None:
    async with tables_of_identity(system) as tables:
        await tables.execute("UPDATE users SET password_digest = $2 WHERE uid = $1", uid, digest)


def imported(password: str, version: str = "2a") -> str:
    """A digest as Ruby's bcrypt makes it, which looks at 72 bytes."""
    digest = bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode()
    return f"${version}${digest[4:]}"


@pytest.mark.parametrize(
    "digest",
    [
        *(imported(PASSWORD, version) for version in ("2a", "2b", "2y")),
        Argon2(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(PASSWORD),
    ],
    ids=["bcrypt 2a", "bcrypt 2b", "bcrypt 2y", "argon2 of other costs"],
)
async def test_a_log_in_renews_the_digest(
    client: Client, uid: str, system: Installation, digest: str
) -> None:
    await keep(system, uid, digest)
    assert (await client.log_in(password="wrong")).status == 401
    assert await digest_of(system, uid) == digest
    before = client.cookie
    assert (await client.log_in()).status == 201
    renewed = await digest_of(system, uid)
    assert renewed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert (await client.log_in()).status == 201
    assert await digest_of(system, uid) == renewed
    async with Client(system) as other:  # the same password: no session ends
        headers = {"Cookie": f"_barong_session={before}"}
        assert (await other.get("resource/users/me", headers=headers)).status == 200


async def test_simultaneous_log_ins_renew_it_without_refusing_one(
    client: Client, uid: str, system: Installation
) -> None:
    await keep(system, uid, imported(PASSWORD))
    answers = await asyncio.gather(*(client.log_in() for _ in range(10)))
    assert [answer.status for answer in answers] == [201] * 10
    assert (await digest_of(system, uid)).startswith("$argon2id$")


async def test_after_the_first_log_in_nothing_is_truncated(
    client: Client, uid: str, system: Installation
) -> None:
    await keep(system, uid, imported(LONG))
    assert (await client.log_in(password=LONG)).status == 201
    assert (await client.log_in(password=LONG)).status == 201
    assert (await client.log_in(password=LONG[:72])).status == 401
    assert (await client.log_in(password=LONG + "x")).status == 401


@pytest.mark.parametrize("some_are_imported", [False, True])
async def test_a_wrong_log_in_takes_the_same_time_for_everyone(
    client: Client, uid: str, system: Installation, some_are_imported: bool
) -> None:
    emails = {"argon2": client.email, "nobody": "nobody@example.com"}
    async with Client(system) as other:
        if some_are_imported:
            theirs = str((await other.become_member()).body["uid"])
            slow = bcrypt.hashpw(b"x", bcrypt.gensalt(9)).decode()
            await keep(system, theirs, slow)
            emails["bcrypt"] = other.email
        ratio = await slowest_to_fastest(
            emails.values(), partial(refused_log_in, client), time.process_time
        )
        if some_are_imported:
            await keep(system, theirs, await digest_of(system, uid))
    assert ratio < ALIKE


async def refused_log_in(client: Client, email: str) -> None:
    assert (await client.log_in(email, "wrong")).status == 401


async def test_verifying(uid: str, identity: IdentityClient) -> None:
    await identity.verify_password(uid, PASSWORD, AT_HOME)
    for wrong in ("wrong", "", PASSWORD.upper()):
        with pytest.raises(Invalid) as refused:
            await identity.verify_password(uid, wrong, AT_HOME)
        assert refused.value.codes == ("password.wrong",)
    with pytest.raises(NotFound):
        await identity.verify_password("ID0000000000", PASSWORD, AT_HOME)


async def test_verifying_renews_the_digest_too(
    uid: str, identity: IdentityClient, system: Installation
) -> None:
    await keep(system, uid, imported(PASSWORD))
    await identity.verify_password(uid, PASSWORD, AT_HOME)
    assert (await digest_of(system, uid)).startswith("$argon2id$")


@pytest.mark.parametrize(
    ("old", "new", "codes"),
    [
        ("wrong", NEW, ("password.wrong",)),
        # The old password is looked at first, then whether there is anything to change.
        ("wrong", "wrong", ("password.wrong",)),
        ("wrong", "weak", ("password.wrong",)),
        (PASSWORD, PASSWORD, ("password.no_change",)),
        (PASSWORD, "Qwerty123", ("password.weak",)),
        (PASSWORD, "alllowercase1", ("password.requirements",)),
        (PASSWORD, LONG + "xyz", ("password.too_long", "password.requirements")),
        (PASSWORD, "", ("password.requirements",)),
    ],
)
async def test_faults_of_changing(
    uid: str, identity: IdentityClient, old: str, new: str, codes: tuple[str, ...]
) -> None:
    with pytest.raises(Invalid) as refused:
        await identity.change_password(uid, old, new, None, AT_HOME)
    assert refused.value.codes == codes
    await identity.verify_password(uid, PASSWORD, AT_HOME)


async def test_changing_ends_all_sessions_but_the_one_it_is_done_in(
    client: Client, uid: str, identity: IdentityClient, system: Installation
) -> None:
    mine = (await identity.sessions(uid))[0]["sid"]
    before = await identity.user(uid)
    async with Client(system) as other:
        other.email = client.email
        await other.log_in()
        assert (await other.get("resource/users/me")).status == 200
        user = await identity.change_password(uid, PASSWORD, NEW, mine, AT_HOME)
        assert user.version == before.version + 1
        assert user == await identity.user(uid)

        async def refused() -> bool:
            return (await other.get("resource/users/me")).status == 401

        assert await until(refused, HEARD_SECONDS)
    assert (await client.get("resource/users/me")).status == 200
    assert (await client.log_in()).status == 401
    assert (await client.log_in(password=NEW)).status == 201


async def test_of_many_changes_at_once_one_wins(
    client: Client, uid: str, identity: IdentityClient
) -> None:
    # Few: each hashes passwords, and internal calls are over after five seconds.
    wanted = [f"Kd8-vFq2!mZx04pL-{n}" for n in range(4)]

    async def change(new: str) -> str:
        try:
            await identity.change_password(uid, PASSWORD, new, None, AT_HOME)
        except Invalid as refusal:
            return refusal.codes[0]
        return new

    answers = await asyncio.gather(*map(change, wanted))
    assert answers.count("password.wrong") == len(wanted) - 1
    (winner,) = set(answers) & set(wanted)
    assert (await client.log_in(password=winner)).status == 201


async def test_the_events_of_a_change(
    client: Client, system: Installation, identity: IdentityClient
) -> None:
    async with listening(system) as ear:
        uid = str((await client.become_member()).body["uid"])
        await identity.change_password(uid, PASSWORD, NEW, None, AT_HOME)

        async def changed() -> bool:
            return any(e.name == "system.user.password.change" for e in ear.events)

        assert await until(changed)
        (event,) = [e for e in ear.events if e.name == "system.user.password.change"]
        assert set(event.record) == {"user", "domain"}
        assert event.record["user"]["uid"] == uid
        updates = [e for e in ear.events if e.name == "model.user.updated"]
        assert updates[-1].changes == {}
        text = str([(e.record, e.changes, e.snapshot) for e in ear.events])
    assert PASSWORD not in text
    assert NEW not in text
    assert "digest" not in text


async def test_no_secret_is_logged(system: Installation, tmp_path: Path) -> None:
    beside = system.beside()
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "identity_svc",
            "serve",
            env=beside.environments["identity"],
            stdout=output,
            stderr=output,
        )
    try:
        await ready(beside, "identity")
        await say_secrets(beside.public_url("identity"))
    finally:
        process.terminate()
        await process.wait()
    logged = log.read_text()
    assert "/api/v2/identity/password/validate" in logged
    assert "S3cret" not in logged


async def say_secrets(url: str) -> None:
    """Gives identity-svc secrets wherever it may take them, rightly and wrongly."""
    paths = (
        "users",
        "sessions",
        "password/validate",
        "users/password/confirm_code",
        "users/email/confirm_code",
    )
    names = ("password", "confirm_password", "otp_code", "token", "reset_password_token")
    secrets = dict.fromkeys(names, "S3cret-of-somebody")
    async with aiohttp.ClientSession(f"{url}/api/v2/identity/") as http:
        for path in paths:
            form = {**secrets, "email": f"{path.replace('/', '-')}@example.com"}
            for options in (
                {"data": form},
                {"params": secrets},
                {"json": form},
                {"json": [form]},
                {"data": str(form), "headers": {"Content-Type": "application/json"}},
                {"data": {"password": "S3cret" * 1000}},
            ):
                async with http.post(path, **options) as answer:
                    assert answer.status < 500
