"""Attempts at secrets are limited, for all replicas together and never for the owner elsewhere."""

import asyncio
import itertools
import math
from collections.abc import AsyncIterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest

from deploy.local import rabbitmq
from shared.contracts.activities import Client as Caller
from shared.errors import Invalid, Throttled
from shared.process import running
from tests.support.authenticator import Authenticator, forget_used_codes, second_factor_of
from tests.support.client import Answer, Client
from tests.support.database import TestDatabase
from tests.support.events import WRITTEN
from tests.support.internal import identity_of, tables_of_identity
from tests.support.slow_motion import FACTOR, pass_by, slow_motion, without
from tests.support.system import PASSWORD, Installation, installation, started
from tests.support.waiting import until

LOG_IN = "/api/v2/identity/sessions"
GENERATE_CODE = "identity/users/email/generate_code"

_addresses = (f"198.51.{high}.{low}" for high, low in itertools.product(range(256), repeat=2))


@pytest.fixture(scope="module")
async def throttled(
    database_template: TestDatabase, rabbitmq_folder: Path, mail_folder: Path, smtp_port: int
) -> AsyncIterator[Installation]:
    """A system that limits attempts, in slow motion; each test comes from networks of its own."""
    url = rabbitmq.add_vhost(rabbitmq_folder, "throttled-system")
    database = await database_template.clone()
    made = installation(database, url, mail_folder, smtp_port, BARONG_THROTTLING="true")
    async with started(made), slow_motion(made):
        yield made


@pytest.fixture
async def client(throttled: Installation) -> AsyncIterator[Client]:
    async with Client(throttled) as made:
        yield made


def somewhere() -> Mapping[str, str]:
    """The headers of a client from an address that nobody had yet."""
    return {"X-Forwarded-For": next(_addresses)}


async def attempt(
    client: Client, headers: Mapping[str, str], email: str = "nobody@example.com"
) -> Answer:
    """A log-in with a wrong password."""
    return await client.post(
        "identity/sessions", {"email": email, "password": "wrong"}, headers=headers
    )


async def status_at(http: aiohttp.ClientSession, url: str, headers: Mapping[str, str]) -> int:
    """The status of a log-in with a wrong password at one instance of identity-svc."""
    form = {"email": "nobody@example.com", "password": "wrong"}
    async with http.post(f"{url}{LOG_IN}", data=form, headers=headers) as got:
        return got.status


async def statuses(
    client: Client, headers: Mapping[str, str], count: int, email: str = "nobody@example.com"
) -> list[int]:
    return [(await attempt(client, headers, email)).status for _ in range(count)]


def told_to_wait(answer: Answer) -> int:
    """For how many seconds, without slow motion."""
    return without(int(answer.headers["Retry-After"]))


async def test_delays_grow_and_are_told(throttled: Installation, client: Client) -> None:
    here = somewhere()
    assert await statuses(client, here, 5) == [401] * 5
    for seconds in (1, 2, 4):
        refused = await attempt(client, here)
        assert (refused.status, refused.errors) == (429, ["request.throttled"])
        assert told_to_wait(refused) == seconds
        await pass_by(throttled, FACTOR * seconds)
        assert (await attempt(client, here)).status == 401


async def test_a_refused_attempt_prolongs_nothing(throttled: Installation, client: Client) -> None:
    here = somewhere()
    assert await statuses(client, here, 25) == [401] * 5 + [429] * 20
    await pass_by(throttled, FACTOR)
    assert (await attempt(client, here)).status == 401


async def test_the_first_wait_is_a_second(system: Installation) -> None:
    """Without slow motion: what it multiplies is right."""
    limiting = system.service(
        "identity", BARONG_THROTTLING="true", BARONG_PORT="0", BARONG_INTERNAL_PORT="0"
    )
    here = somewhere()
    async with running(limiting) as addresses, aiohttp.ClientSession() as http:

        async def waits() -> str:
            """Every five attempts somewhere else, because a busy machine may sit it out."""
            nonlocal here
            here = somewhere()
            for _ in range(6):
                form = {"email": "nobody@example.com", "password": "wrong"}
                async with http.post(f"{addresses.public}{LOG_IN}", data=form, headers=here) as got:
                    header = got.headers.get("Retry-After", "")
            return header

        assert await until(waits) == "1"


async def test_no_wait_exceeds_a_quarter_of_an_hour(
    throttled: Installation, client: Client
) -> None:
    here = somewhere()
    await attempt(client, here, "another@example.com")
    await attempt(client, here, "capped@example.com")
    async with tables_of_identity(throttled) as tables:
        await tables.execute(
            """
            UPDATE attempts
            SET failures = 5000
            WHERE failures = 1  -- the network's are two
              AND counted_at = (SELECT max(counted_at) FROM attempts)
            """
        )
    assert (await attempt(client, here, "capped@example.com")).status == 401
    refused = await attempt(client, here, "capped@example.com")
    assert (refused.status, told_to_wait(refused)) == (429, 900)


async def test_failures_are_forgiven_in_time(throttled: Installation, client: Client) -> None:
    here = somewhere()
    assert await statuses(client, here, 6) == [401] * 5 + [429]
    await pass_by(throttled, 30 * 60)
    assert await statuses(client, here, 3) == [401] * 2 + [429]


async def test_the_right_password_waits_as_well(client: Client) -> None:
    here = somewhere()
    await client.sign_up()
    await statuses(client, here, 5, client.email)
    form = {"email": client.email, "password": PASSWORD}
    answer = await client.post("identity/sessions", form, headers=here)
    assert answer.status == 429


async def test_the_owner_is_not_locked_out_by_somebody_elsewhere(client: Client) -> None:
    attacker, owner = somewhere(), somewhere()
    await client.sign_up()
    assert (await statuses(client, attacker, 20, client.email))[-1] == 429
    form = {"email": client.email, "password": PASSWORD}
    answer = await client.post("identity/sessions", form, headers=owner)
    assert answer.status == 201


async def test_success_forgets_the_failures(client: Client) -> None:
    here = somewhere()
    await client.sign_up()
    form = {"email": client.email, "password": PASSWORD}
    for _ in range(3):
        assert await statuses(client, here, 4, client.email) == [401] * 4
        assert (await client.post("identity/sessions", form, headers=here)).status == 201


@pytest.mark.parametrize("known", [True, False])
async def test_known_and_unknown_addresses_are_limited_alike(client: Client, known: bool) -> None:
    here = somewhere()
    if known:
        await client.sign_up()
    email = client.email or "unknown@example.com"
    assert await statuses(client, here, 3, email) == [401] * 3
    assert await statuses(client, here, 4, f" {email.upper()} ") == [401] * 2 + [429] * 2


async def test_a_hundred_at_once_are_a_hundred(client: Client) -> None:
    here = somewhere()
    answers = await asyncio.gather(*(attempt(client, here) for _ in range(100)))
    looked_at = [answer for answer in answers if answer.status == 401]
    assert len(looked_at) == 5
    assert {answer.status for answer in answers} == {401, 429}


async def test_an_ipv6_network_counts_as_one(client: Client) -> None:
    here = [{"X-Forwarded-For": f"2001:db8::{n:x}"} for n in range(8)]
    answers = [(await attempt(client, headers)).status for headers in here]
    assert answers == [401] * 5 + [429] * 3
    elsewhere = {"X-Forwarded-For": "2001:db8:0:1::1"}
    assert (await attempt(client, elsewhere)).status == 401


async def test_a_network_is_limited_whatever_accounts_it_tries(
    throttled: Installation, client: Client
) -> None:
    here, elsewhere = somewhere(), somewhere()
    answers = [await attempt(client, here, "first@example.com")]
    await pass_by(throttled, -3600)
    for tens in range(0, 110, 10):  # a busy machine takes too long for all hashes at once
        accounts = [f"{number}@example.com" for number in range(tens, tens + 10)]
        answers += await asyncio.gather(*(attempt(client, here, each) for each in accounts))
    assert len([answer for answer in answers if answer.status == 401]) == 100
    assert {answer.status for answer in answers} == {401, 429}
    assert (await attempt(client, elsewhere, "110@example.com")).status == 401


async def test_who_storms_one_account_does_not_block_his_neighbours(client: Client) -> None:
    here = somewhere()
    await asyncio.gather(*(attempt(client, here, "one@example.com") for _ in range(150)))
    assert (await attempt(client, here, "two@example.com")).status == 401


@pytest.mark.parametrize("known", [True, False])
async def test_mails_are_limited_alike_for_known_and_unknown(client: Client, known: bool) -> None:
    here = somewhere()
    if known:
        await client.sign_up()
    form = {"email": client.email or "unknown@example.com"}
    answers = [await client.post(GENERATE_CODE, form, headers=here) for _ in range(6)]
    assert [answer.status for answer in answers] == [201] * 5 + [429]
    assert told_to_wait(answers[-1]) == 1


async def test_replicas_count_together_and_a_restart_forgets_nothing(
    throttled: Installation, client: Client
) -> None:
    here = somewhere()
    assert await statuses(client, here, 3) == [401] * 3
    for expected in ([401, 401, 429], [429]):
        replica = throttled.service("identity", BARONG_PORT="0", BARONG_INTERNAL_PORT="0")
        async with running(replica) as addresses, aiohttp.ClientSession() as http:
            got = [await status_at(http, addresses.public, here) for _ in expected]
            assert got == expected
    assert (await attempt(client, here)).status == 429


async def test_a_store_that_is_down_is_no_open_door(throttled: Installation) -> None:
    nowhere = throttled.service(
        "identity",
        BARONG_PORT="0",
        BARONG_INTERNAL_PORT="0",
        DATABASE_URL="postgresql://identity:x@127.0.0.1:1/nowhere",
    )
    async with running(nowhere) as addresses, aiohttp.ClientSession() as http:
        assert await status_at(http, addresses.public, somewhere()) == 503


async def test_the_operator_sees_how_many_are_refused(
    throttled: Installation, client: Client
) -> None:
    await statuses(client, somewhere(), 6)
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{throttled.internal_url('identity')}/metrics") as got,
    ):
        text = await got.text()
    assert 'throttled_attempts_total{outcome="refused",purpose="login"}' in text


async def test_the_switch_turns_it_off(system: Installation) -> None:
    async with Client(system) as client:
        assert await statuses(client, somewhere(), 12) == [401] * 12


async def test_accounts_cannot_be_probed_by_signing_up(client: Client) -> None:
    here = somewhere()
    tries = [(await client.sign_up(email="admin@barong.io", headers=here)).status for _ in range(6)]
    assert tries == [422] * 5 + [429]


# Codes of a second factor: limited per account, for who has the password or a session.


@pytest.fixture
async def guarded(client: Client, throttled: Installation) -> tuple[str, Authenticator]:
    """A member with a second factor, who has not logged in with it; their uid."""
    uid = str((await client.become_member()).body["uid"])
    return uid, await second_factor_of(client, uid)


async def log_in_with(
    client: Client, code: str, headers: Mapping[str, str] | None = None
) -> tuple[int, list[str]]:
    form = {"email": client.email, "password": PASSWORD, "otp_code": code}
    answer = await client.post("identity/sessions", form, headers=headers or somewhere())
    return answer.status, answer.errors if answer.status >= 400 else []


async def warnings_of(system: Installation, uid: str) -> int:
    async with tables_of_identity(system) as tables:
        return int(
            await tables.fetchval(
                f"SELECT count(*) FROM {WRITTEN} WHERE name = 'system.user.otp.guessed'"
                " AND record -> 'user' ->> 'uid' = $1",
                uid,
            )
        )


async def test_a_thousand_addresses_bring_no_more_guesses(
    client: Client, throttled: Installation, guarded: tuple[str, Authenticator]
) -> None:
    uid, authenticator = guarded
    wrong = authenticator.wrong_code()
    began = asyncio.get_running_loop().time()
    answers = [(await log_in_with(client, wrong))[0] for _ in range(12)]
    at_once = await asyncio.gather(*(log_in_with(client, wrong) for _ in range(20)))
    answers += [status for status, _ in at_once]
    passed = asyncio.get_running_loop().time() - began
    assert answers[:5] == [403] * 5
    # Waits double: after 1, 3 and 7 s one more is let through.
    assert answers.count(403) <= 5 + math.log2(passed + 1)
    assert answers.count(403) + answers.count(429) == len(answers)

    # The owner gets one mail, which says where the guesses come from.
    assert await warnings_of(throttled, uid) == 1
    mail = throttled.mail / f"{quote(client.email, safe='@')}.eml"

    async def warned() -> bool:
        return b"Somebody guesses at your codes" in mail.read_bytes()

    assert await until(warned)


async def test_who_lacks_the_password_uses_up_no_attempts(
    client: Client, guarded: tuple[str, Authenticator]
) -> None:
    _, authenticator = guarded
    for _ in range(30):
        form = {
            "email": client.email,
            "password": "wrong",
            "otp_code": authenticator.wrong_code(),
        }
        await client.post("identity/sessions", form, headers=somewhere())
    assert await log_in_with(client, authenticator.code()) == (201, [])


async def test_a_right_code_makes_attempts_forgotten(
    client: Client, throttled: Installation, guarded: tuple[str, Authenticator]
) -> None:
    uid, authenticator = guarded
    for _ in range(2):
        for _ in range(4):
            assert (await log_in_with(client, authenticator.wrong_code()))[0] == 403
        assert await log_in_with(client, authenticator.code()) == (201, [])
        await forget_used_codes(client, uid)
    assert await warnings_of(throttled, uid) == 0


async def test_the_warning_floods_nobody(
    client: Client, throttled: Installation, guarded: tuple[str, Authenticator]
) -> None:
    uid, authenticator = guarded
    async with tables_of_identity(throttled) as tables:
        for hour in range(5):
            for _ in range(6):
                await log_in_with(client, authenticator.wrong_code())
                await tables.execute("UPDATE attempts SET blocked_until = '-infinity'")
            assert await warnings_of(throttled, uid) == min(hour + 1, 3)  # three a day
            await tables.execute("UPDATE mails_sent SET sent_at = sent_at - interval '61 min'")


async def test_a_session_brings_few_guesses_and_leaves_those_of_the_log_in_alone(
    client: Client, throttled: Installation, guarded: tuple[str, Authenticator]
) -> None:
    uid, authenticator = guarded
    async with identity_of(throttled) as identity:
        outcomes = []
        for number in range(8):
            caller = Caller(ip_address(f"198.18.1.{number}"), "Mozilla/5.0")
            try:
                await identity.verify_code(uid, authenticator.wrong_code(), caller)
            except (Invalid, Throttled) as refusal:
                outcomes.append(type(refusal))
    assert outcomes == [Invalid] * 5 + [Throttled] * 3
    assert await warnings_of(throttled, uid) == 1
    assert await log_in_with(client, authenticator.code()) == (201, [])
