"""/resource/phones, through the gateway, with every provider."""

import asyncio
import itertools
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from shared.settings import SettingsError
from tests.support.client import Answer, Client
from tests.support.events import Ear
from tests.support.internal import put_private_label
from tests.support.own_service import installation_with, member_of
from tests.support.system import PASSWORD, Installation, started
from tests.support.twilio_stand_in import (
    ACCOUNT,
    SENDER,
    SERVICE,
    TOKEN,
    TwilioStandIn,
    twilio_stand_in,
)

PHONES, SEND, VERIFY = "resource/phones", "resource/phones/send_code", "resource/phones/verify"
SENT = {"message": "Code was sent successfully via sms"}
_numbers = itertools.count(secrets.randbelow(9 * 10**6))


def a_number() -> str:
    """A mobile number that nothing else in the run uses."""
    return f"+38067{next(_numbers) % 10**7:07}"


def codes_of(name: str, *reasons: str) -> list[str]:
    return [f"resource.phone.{reason}_{name}" for reason in reasons]


NO_NUMBER = codes_of("phone_number", "missing", "empty")
NO_CODE = codes_of("verification_code", "missing", "empty")
INVALID, UNKNOWN, EXISTS, TAKEN, WRONG = (
    [f"resource.phone.{code}"]
    for code in ("invalid_num", "doesnt_exist", "exists", "number_exist", "verification_invalid")
)
BAD_NUMBERS = [
    *("abc", "123", "+", "+0", "+999123456789", "+1555", "+3806712345", "+38067123456789"),
    *("+38067abc4567", "+380671234567;ext=1", "+38067\n", "1" * 1000, "++380671234567"),
    *("+380 67 1234567 +", "tel:+380671234567"),
]


@pytest.fixture(scope="module")
async def stand_in() -> AsyncIterator[TwilioStandIn]:
    async with twilio_stand_in() as made:
        yield made


@pytest.fixture
def twilio(stand_in: TwilioStandIn) -> TwilioStandIn:
    stand_in.start_anew()
    return stand_in


@pytest.fixture(scope="module")
async def texting(system: Installation, stand_in: TwilioStandIn) -> AsyncIterator[Installation]:
    """An installation that sends messages by Twilio."""
    async with installation_with(system, "resource", **sms_settings(stand_in)) as made:
        yield made


@pytest.fixture
async def texter(texting: Installation, twilio: TwilioStandIn) -> AsyncIterator[Client]:
    """A member of it."""
    async with Client(texting) as made:
        await made.become_member()
        yield made


@pytest.fixture(scope="module")
async def verifying(system: Installation, stand_in: TwilioStandIn) -> AsyncIterator[Installation]:
    """An installation that uses Twilio Verify."""
    async with installation_with(system, "resource", **verify_settings(stand_in)) as made:
        yield made


@pytest.fixture
async def verifier(verifying: Installation, twilio: TwilioStandIn) -> AsyncIterator[Client]:
    """A member of it."""
    async with Client(verifying) as made:
        await made.become_member()
        yield made


def sms_settings(twilio: TwilioStandIn) -> dict[str, str]:
    return {
        "BARONG_PHONE_VERIFICATION": "twilio_sms",
        "BARONG_TWILIO_URL": twilio.url,
        "BARONG_TWILIO_ACCOUNT_SID": ACCOUNT,
        "BARONG_TWILIO_AUTH_TOKEN": TOKEN,
        "BARONG_TWILIO_PHONE_NUMBER": SENDER,
        "BARONG_SMS_CONTENT_TEMPLATE": "{{ code }} is for you. Never tell {{code}}!",
    }


def verify_settings(twilio: TwilioStandIn) -> dict[str, str]:
    return {
        "BARONG_PHONE_VERIFICATION": "twilio_verify",
        "BARONG_TWILIO_VERIFY_URL": twilio.url,
        "BARONG_TWILIO_ACCOUNT_SID": ACCOUNT,
        "BARONG_TWILIO_AUTH_TOKEN": TOKEN,
        "BARONG_TWILIO_SERVICE_SID": SERVICE,
    }


@asynccontextmanager
async def tables(system: Installation) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """A connection to resource-svc's schema."""
    connection = await asyncpg.connect(
        system.environments["resource"]["DATABASE_URL"], server_settings={"search_path": "resource"}
    )
    try:
        yield connection
    finally:
        await connection.close()


async def add(client: Client, number: str, **more: str) -> Answer:
    return await client.post(PHONES, {"phone_number": number, **more})


async def send(client: Client, number: str, **more: str) -> Answer:
    return await client.post(SEND, {"phone_number": number, **more})


async def verify(client: Client, number: str, code: str = "00000") -> Answer:
    return await client.post(VERIFY, {"phone_number": number, "verification_code": code})


async def age(system: Installation, number: str, interval: str) -> None:
    """Makes all that happened to a number happen earlier."""
    digits = number.removeprefix("+")
    async with tables(system) as connection:
        await connection.execute(
            f"UPDATE phone_sends SET sent_at = sent_at - interval '{interval}' WHERE number = $1",
            digits,
        )
        await connection.execute(
            f"""
            UPDATE phones
            SET code_expires_at = code_expires_at - interval '{interval}'
            WHERE number = $1
            """,
            digits,
        )


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**5:05}"


@pytest.mark.parametrize("path", [PHONES, SEND])
@pytest.mark.parametrize(
    ("form", "status", "errors"),
    [
        ({}, 400, NO_NUMBER),
        ({"phone_number": ""}, 400, NO_NUMBER[1:]),
        ({"phone_number": "  "}, 400, NO_NUMBER[1:]),
        *(({"phone_number": number}, 400, INVALID) for number in BAD_NUMBERS),
        ({"phone_number": "+38067\x071234567"}, 422, INVALID),
        ({"phone_number": "1" * 5000}, 400, INVALID),
        *(
            (
                {"phone_number": "+380671234567", "channel": channel},
                422,
                ["resource.phone.invalid_channel"],
            )
            for channel in ("nope", "", " ", "SMS")
        ),
        ({"channel": "nope"}, 400, [*NO_NUMBER, "resource.phone.invalid_channel"]),
    ],
)
async def test_where_no_code_is_sent(
    shared_member: Client, path: str, form: dict[str, str], status: int, errors: list[str]
) -> None:
    answer = await shared_member.post(path, form)
    assert (answer.status, answer.errors) == (status, errors)


@pytest.mark.parametrize(
    ("form", "status", "errors"),
    [
        ({}, 400, NO_NUMBER + NO_CODE),
        ({"verification_code": "1"}, 400, NO_NUMBER),
        ({"phone_number": "", "verification_code": "1"}, 400, NO_NUMBER[1:]),
        ({"phone_number": " ", "verification_code": "1"}, 400, NO_NUMBER[1:]),
        ({"phone_number": "+380671234567"}, 400, NO_CODE),
        ({"phone_number": "+380671234567", "verification_code": ""}, 400, NO_CODE[1:]),
        ({"phone_number": "+380671234567", "verification_code": " "}, 400, NO_CODE[1:]),
        *(({"phone_number": n, "verification_code": "1"}, 400, INVALID) for n in BAD_NUMBERS),
        ({"phone_number": "+380670000000", "verification_code": "1"}, 404, UNKNOWN),
    ],
)
async def test_what_verifies_nothing(
    shared_member: Client, form: dict[str, str], status: int, errors: list[str]
) -> None:
    answer = await shared_member.post(VERIFY, form)
    assert (answer.status, answer.errors) == (status, errors)
    assert (await shared_member.get(PHONES)).body == []


@pytest.mark.parametrize(
    ("path", "name"),
    [
        *((path, name) for path in (PHONES, SEND) for name in ("phone_number", "channel")),
        *((VERIFY, name) for name in ("phone_number", "verification_code")),
    ],
)
@pytest.mark.parametrize("value", [[], {}, ["1"], {"a": 1}, True, "\x00", "\ud800", "\x1b"])
async def test_nothing_hostile_is_taken(
    shared_member: Client, path: str, name: str, value: object
) -> None:
    body: dict[str, Any] = {"phone_number": "+380670000000", "verification_code": "1", name: value}
    assert (await shared_member.post(path, json=body)).status in (400, 404, 422)


async def test_a_phone_is_added_and_verified(member: Client) -> None:
    number = a_number()
    added = await add(member, f"{number[:4]} ({number[4:6]}) {number[6:9]}-{number[9:]}")
    assert (added.status, added.body) == (201, SENT)
    digits = number.removeprefix("+")
    unproven = {"country": "UA", "number": digits, "validated_at": None}
    assert (await member.get(PHONES)).body == [unproven]

    answer = await verify(member, digits)
    assert answer.status == 201
    assert (answer.body["level"], answer.body["state"]) == (2, "active")
    assert "csrf_token" not in answer.body
    (phone,) = answer.body["phones"]
    assert list(phone) == ["country", "number", "validated_at"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", phone["validated_at"])
    assert [(label["key"], label["value"], label["scope"]) for label in answer.body["labels"]] == [
        ("email", "verified", "private"),
        ("phone", "verified", "private"),
    ]
    assert answer.body == (await member.get("resource/users/me")).body
    assert (await member.get(PHONES)).body == [phone]


async def test_a_phone_that_is_verified_is_nobody_elses(
    member: Client, system: Installation
) -> None:
    number = a_number()
    async with Client(system) as other:
        await other.become_member()
        for client in (other, member):
            assert (await add(client, number)).status == 201
        assert (await verify(member, number)).status == 201
        for client in (other, member):
            for answer in (
                await add(client, number),
                await send(client, number),
                await verify(client, number),
            ):
                assert (answer.status, answer.errors) == (400, TAKEN)
        assert (await other.get("resource/users/me")).body["level"] == 1


async def test_a_phone_is_added_once(member: Client) -> None:
    number = a_number()
    answers = await asyncio.gather(*(add(member, number) for _ in range(20)))
    assert sorted(answer.status for answer in answers) == [201] + [400] * 19
    assert all(answer.errors == EXISTS for answer in answers if answer.status == 400)
    again = await add(member, number.replace("+38", "38-"))
    assert (again.status, again.errors) == (400, EXISTS)
    assert len((await member.get(PHONES)).body) == 1


async def test_codes_are_sent_again_by_either_channel(member: Client) -> None:
    number = a_number()
    unknown = await send(member, number)
    assert (unknown.status, unknown.errors) == (404, UNKNOWN)
    called = await add(member, number, channel="call")
    assert called.body == {"message": "Code was sent successfully via call"}
    again = await send(member, number)
    assert (again.status, again.body) == (201, SENT)


async def test_one_number_is_verified_by_one_user(system: Installation) -> None:
    number = a_number()
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(Client(system)) for _ in range(4)]
        for each in clients:
            await each.become_member()
            assert (await add(each, number)).status == 201
        answers = await asyncio.gather(
            *(verify(each, number) for each in clients for _ in range(5))
        )
        assert sorted(answer.status for answer in answers) == [201] + [400] * 19
        assert all(answer.errors == TAKEN for answer in answers if answer.status == 400)
        levels = [(await each.get("resource/users/me")).body["level"] for each in clients]
        assert sorted(levels) == [1, 1, 1, 2]


async def test_the_event_of_a_verified_phone(member: Client, ear: Ear) -> None:
    number = a_number()
    await add(member, number)
    await verify(member, number)
    events = {event.name: event for event in await ear.of(member.email, 4)}
    assert sorted(events) == [
        *("model.label.created", "model.phone.created", "model.phone.updated"),
        "model.user.updated",
    ]
    created, updated = events["model.phone.created"], events["model.phone.updated"]
    digits = number.removeprefix("+")
    told = {name: created.record[name] for name in created.record if name != "user"}
    assert told == {"country": "UA", "number": digits}
    assert updated.record["validated_at"].endswith("Z")
    before, after = (event.snapshot["attachments"] for event in (created, updated))
    assert (before["kind"], before["version"], after["version"]) == ("phones", 1, 2)
    (phone,) = after["records"]
    assert phone["number"] == digits
    assert set(phone) == {"id", "uid", "number", "country", "validated_at"}


async def test_sends_of_a_user_to_a_number_are_limited(
    member: Client, system: Installation
) -> None:
    number = a_number()
    assert (await add(member, number)).status == 201
    answers = await asyncio.gather(*(send(member, number) for _ in range(20)))
    assert sorted(answer.status for answer in answers) == [201] * 4 + [429] * 16
    refused = await send(member, number)
    assert (refused.status, refused.errors) == (429, ["request.throttled"])
    assert 590 <= int(refused.headers["Retry-After"]) <= 600
    for _ in range(5):
        await age(system, number, "10 minutes")
        assert (await send(member, number)).status == 201
    await age(system, number, "10 minutes")
    refused = await send(member, number)
    assert (refused.status, int(refused.headers["Retry-After"]) > 70_000) == (429, True)
    await age(system, number, "1 day")
    assert (await send(member, number)).status == 201


async def test_what_another_user_asks_for_is_not_at_the_owners_cost(
    member: Client, system: Installation
) -> None:
    number = a_number()
    async with Client(system) as other:
        await other.become_member()
        assert (await add(other, number)).status == 201
        while (await send(other, number)).status == 201:
            pass
        assert (await add(member, number)).status == 201
        assert [(await send(member, number)).status for _ in range(5)] == [201] * 4 + [429]
    assert (await verify(member, number, "12345")).status == 201


async def test_many_together_do_not_flood_a_number(member: Client, system: Installation) -> None:
    number = a_number()
    async with AsyncExitStack() as stack:
        crowd = [await stack.enter_async_context(Client(system)) for _ in range(4)]
        for each in crowd:
            await each.become_member()
        answers = await asyncio.gather(*(add(each, number) for each in crowd))
        for _ in range(6):
            answers += await asyncio.gather(*(send(each, number) for each in crowd))
    assert sum(answer.status == 201 for answer in answers) == 15
    refused = await add(member, number)
    assert (refused.status, refused.errors) == (429, ["request.throttled"])
    await age(system, number, "10 minutes")
    assert (await add(member, number)).status == 201


@pytest.mark.parametrize(
    ("number", "error"),
    [
        ("+4915112345678", ""),
        ("+493012345678", ""),
        ("+14155552671", "country"),
        ("+380671234567", "country"),
        ("+870301234567", "country"),  # Inmarsat
        ("+499001234567", "kind"),  # premium rate: never
        ("+498001234567890", "kind"),
        ("+4916412345", "kind"),  # a pager
    ],
)
async def test_codes_go_where_the_operator_wants_them(
    system: Installation, number: str, error: str
) -> None:
    async with member_of(system, BARONG_PHONE_COUNTRIES="de, AT") as member:
        answer = await add(member, number)
        wanted = (400, [f"resource.phone.{error}_not_allowed"]) if error else (201, [])
        assert (answer.status, answer.errors if error else []) == wanted
        assert len((await member.get(PHONES)).body) == (0 if error else 1)


async def test_kinds_of_numbers_are_a_setting_and_hold_for_phones_that_are_there(
    system: Installation, member: Client
) -> None:
    number = "+493012345679"
    assert (await add(member, number)).status == 201
    async with member_of(system, BARONG_PHONE_KINDS="pager, mobile") as other:
        await other.log_in(member.email)
        answer = await send(other, number)
        assert (answer.status, answer.errors) == (400, ["resource.phone.kind_not_allowed"])
        assert (await add(other, "+4916412345")).status == 201
        premium = await add(other, "+499001234567")
        assert premium.errors == ["resource.phone.kind_not_allowed"]


async def test_satellites_are_no_country_of_all(member: Client) -> None:
    answer = await add(member, "+870301234567")
    assert (answer.status, answer.errors) == (400, ["resource.phone.country_not_allowed"])


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("BARONG_PHONE_COUNTRIES", "Germany"),
        ("BARONG_PHONE_COUNTRIES", "DE, XX"),
        ("BARONG_PHONE_KINDS", "mobile, premium_rate"),
        ("BARONG_PHONE_KINDS", "pigeon"),
        ("BARONG_PHONE_KINDS", " , "),
        ("BARONG_PHONE_CODES_PER_HOUR", "-1"),
    ],
)
def test_destinations_that_are_none(system: Installation, variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        system.service("resource", **{variable: value})


async def test_all_users_together_have_a_ceiling(system_of_my_own: Installation) -> None:
    system = system_of_my_own
    system.environments["resource"]["BARONG_PHONE_CODES_PER_HOUR"] = "7"  # type: ignore[index]
    async with started(system), AsyncExitStack() as stack:
        crowd = [await stack.enter_async_context(Client(system)) for _ in range(3)]
        for each in crowd:
            await each.become_member()
        calls = [add(each, a_number()) for each in crowd for _ in range(4)]
        answers = await asyncio.gather(*calls)
        assert sorted(answer.status for answer in answers) == [201] * 7 + [429] * 5
        refused = next(answer for answer in answers if answer.status == 429)
        assert refused.errors == ["resource.phone.ceiling_reached"]
        assert 3500 < int(refused.headers["Retry-After"]) <= 3600
        async with tables(system) as connection:
            await connection.execute("UPDATE phone_sends SET sent_at = sent_at - interval '1 hour'")
        assert (await add(crowd[0], a_number())).status == 201


async def test_sends_of_a_user_are_limited_whatever_the_number(
    member: Client, system: Installation
) -> None:
    answers = [await add(member, a_number()) for _ in range(31)]
    assert [answer.status for answer in answers] == [201] * 30 + [429]
    assert len((await member.get(PHONES)).body) == 30
    uid = (await member.get("resource/users/me")).body["uid"]
    async with tables(system) as connection:
        await connection.execute(
            "UPDATE phone_sends SET sent_at = sent_at - interval '1 day' WHERE uid = $1", uid
        )
        assert [(await add(member, a_number())).status for _ in range(20)] == [201] * 20
        # What no limit asks for any more is forgotten.
        kept = await connection.fetchval("SELECT count(*) FROM phone_sends WHERE uid = $1", uid)
        assert kept == 20
    refused = await add(member, a_number())
    assert (refused.status, refused.errors) == (400, ["resource.phone.limit_reached"])


async def test_the_code_in_the_message_verifies(
    texter: Client, twilio: TwilioStandIn, system: Installation
) -> None:
    number = a_number()
    assert (await add(texter, number)).status == 201
    code = twilio.code_sent_to(number)
    assert twilio.messages == [
        {"To": number, "From": SENDER, "Body": f"{code} is for you. Never tell {code}!"}
    ]
    assert re.fullmatch("[0-9]{5}", code)
    async with tables(system) as connection:
        row = await connection.fetchrow("SELECT * FROM phones WHERE number = $1", number[1:])
    assert row
    assert code not in str(dict(row)).replace(number[1:], "")
    for bad in (wrong(code), code + "0", "\u0660" * 5, "x" * 1000):
        answer = await verify(texter, number, bad)
        assert (answer.status, answer.errors) == (404, WRONG)
    answer = await verify(texter, number, code)
    assert (answer.status, answer.body["level"]) == (201, 2)


async def test_guesses_at_a_code_are_limited(texter: Client, twilio: TwilioStandIn) -> None:
    number = a_number()
    await add(texter, number)
    code = twilio.code_sent_to(number)
    guesses = await asyncio.gather(*(verify(texter, number, wrong(code)) for _ in range(30)))
    assert sorted(guess.status for guess in guesses) == [404] * 5 + [429] * 25
    late = await verify(texter, number, code)
    assert (late.status, late.errors) == (429, ["request.throttled"])
    assert 590 <= int(late.headers["Retry-After"]) <= 600
    await send(texter, number)
    assert (await verify(texter, number, twilio.code_sent_to(number))).status == 201


async def test_a_code_ends_with_the_next_and_after_ten_minutes(
    texter: Client, twilio: TwilioStandIn, system: Installation
) -> None:
    number = a_number()
    await add(texter, number)
    first = twilio.code_sent_to(number)
    second = first
    while second == first:  # one in 100 000
        await send(texter, number)
        second = twilio.code_sent_to(number)
    assert (await verify(texter, number, first)).errors == WRONG
    await age(system, number, "9 minutes 50 seconds")
    assert (await verify(texter, number, wrong(second))).errors == WRONG
    await age(system, number, "10 seconds")
    assert (await verify(texter, number, second)).errors == WRONG


async def test_a_code_is_for_one_user_and_one_number(
    texter: Client, twilio: TwilioStandIn, system: Installation
) -> None:
    number, other_number = a_number(), a_number()
    for each in (number, other_number):
        await add(texter, each)
    code = twilio.code_sent_to(number)
    if code != twilio.code_sent_to(other_number):
        assert (await verify(texter, other_number, code)).errors == WRONG
    async with member_of(system, **sms_settings(twilio)) as other:
        await add(other, number)
        if code != twilio.code_sent_to(number):
            assert (await verify(other, number, code)).errors == WRONG


async def test_a_code_outlives_a_rotation_of_keys(
    texter: Client, twilio: TwilioStandIn, system: Installation
) -> None:
    number = a_number()
    await add(texter, number)
    old = system.environments["resource"]["BARONG_MASTER_KEYS"]
    keys = f"new:{'A' * 43}=,{old}"
    async with member_of(system, **sms_settings(twilio), BARONG_MASTER_KEYS=keys) as other:
        await other.log_in(texter.email)
        assert (await verify(other, number, twilio.code_sent_to(number))).status == 201


async def test_messages_are_no_calls(texter: Client, twilio: TwilioStandIn) -> None:
    answer = await add(texter, a_number(), channel="call")
    assert (answer.status, answer.errors) == (422, ["resource.phone.invalid_channel"])
    assert twilio.messages == []


REFUSALS = [
    ((400, 21211), 422, "resource.phone.num_not_valid"),
    ((400, 21614), 422, "resource.phone.num_not_valid"),
    ((400, 21612), 422, "resource.phone.num_not_reachable"),
    ((400, 21408), 422, "resource.phone.num_not_reachable"),
    ((400, 21610), 422, "resource.phone.unsubscribed_recipient"),
    ((400, 21618), 422, "resource.phone.sms_content_invalid"),
    ((403, 60410), 422, "resource.phone.num_not_reachable"),
    ((403, 60205), 422, "resource.phone.num_not_reachable"),
    ((400, 99999), 422, "resource.phone.twilio_unexpected"),
    ((429, 60203), 429, "request.throttled"),
    ((401, 20003), 503, "server.unavailable"),
    ((404, 20404), 503, "server.unavailable"),
    ((429, 20429), 503, "server.unavailable"),
    ((500, 20500), 503, "server.unavailable"),
]


@pytest.mark.parametrize(("refusal", "status", "error"), REFUSALS)
async def test_what_twilio_refuses_is_told(
    texter: Client, twilio: TwilioStandIn, refusal: tuple[int, int], status: int, error: str
) -> None:
    number = a_number()
    twilio.refusal = refusal
    answer = await add(texter, number)
    assert (answer.status, answer.errors) == (status, [error])
    assert (await texter.get(PHONES)).body == []
    twilio.refusal = None
    assert (await add(texter, number)).status == 201
    twilio.refusal = refusal
    answer = await send(texter, number)
    assert (answer.status, answer.errors) == (status, [error])
    assert len((await texter.get(PHONES)).body) == 1


@pytest.mark.parametrize("broken", ["error", "redirect", "text", "list", "teapot", "slow"])
async def test_a_provider_that_fails_is_no_hang_and_no_open_door(
    texter: Client, verifier: Client, twilio: TwilioStandIn, broken: str
) -> None:
    number = a_number()
    await add(verifier, number)
    twilio.broken = broken
    for answer in await asyncio.gather(
        add(texter, a_number()), add(verifier, a_number()), verify(verifier, number, "000000")
    ):
        assert (answer.status, answer.errors) == (503, ["server.unavailable"])
        assert answer.headers["Retry-After"] == "1"
    assert len((await texter.get(PHONES)).body) == 0
    assert [phone["validated_at"] for phone in (await verifier.get(PHONES)).body] == [None]


async def test_a_provider_that_is_away(system: Installation, twilio: TwilioStandIn) -> None:
    settings = sms_settings(twilio) | {"BARONG_TWILIO_URL": "http://127.0.0.1:1"}
    async with member_of(system, **settings) as member:
        answer = await add(member, a_number())
        assert (answer.status, answer.errors) == (503, ["server.unavailable"])
        assert (await member.get(PHONES)).body == []


async def test_credentials_that_are_refused(system: Installation, twilio: TwilioStandIn) -> None:
    twilio.token = "another"
    async with member_of(system, **verify_settings(twilio)) as member:
        answer = await add(member, a_number())
        assert (answer.status, answer.errors) == (503, ["server.unavailable"])


async def test_codes_of_twilios_own(verifier: Client, twilio: TwilioStandIn) -> None:
    number = a_number()
    assert (await add(verifier, number, channel="call")).status == 201
    assert twilio.messages == [{"To": number, "Channel": "call"}]
    code = twilio.verifications[number]
    for bad in (f"{(int(code) + 1) % 10**6:06}", "junk"):
        answer = await verify(verifier, number, bad)
        assert (answer.status, answer.errors) == (404, WRONG)
    twilio.refusal = (429, 60202)
    answer = await verify(verifier, number, code)
    assert (answer.status, answer.errors) == (429, ["request.throttled"])
    twilio.refusal = None
    answer = await verify(verifier, number, code)
    assert (answer.status, answer.body["level"]) == (201, 2)


async def test_a_verification_that_twilio_has_forgotten(
    verifier: Client, twilio: TwilioStandIn
) -> None:
    number = a_number()
    await add(verifier, number)
    code = twilio.verifications.pop(number)
    answer = await verify(verifier, number, code)
    assert (answer.status, answer.errors) == (404, WRONG)


@pytest.mark.parametrize(
    ("provider", "missing"),
    [
        ("twilio_sms", "BARONG_TWILIO_ACCOUNT_SID"),
        ("twilio_sms", "BARONG_TWILIO_AUTH_TOKEN"),
        ("twilio_sms", "BARONG_TWILIO_PHONE_NUMBER"),
        ("twilio_verify", "BARONG_TWILIO_ACCOUNT_SID"),
        ("twilio_verify", "BARONG_TWILIO_AUTH_TOKEN"),
        ("twilio_verify", "BARONG_TWILIO_SERVICE_SID"),
    ],
)
def test_twilio_wants_credentials(
    system: Installation, twilio: TwilioStandIn, provider: str, missing: str
) -> None:
    settings = {**sms_settings(twilio), **verify_settings(twilio)}
    settings |= {"BARONG_PHONE_VERIFICATION": provider, missing: ""}
    with pytest.raises(SettingsError, match=missing):
        system.service("resource", **settings)


def test_a_message_names_the_code(system: Installation, twilio: TwilioStandIn) -> None:
    settings = sms_settings(twilio) | {"BARONG_SMS_CONTENT_TEMPLATE": "Hello, {code}!"}
    with pytest.raises(SettingsError, match="BARONG_SMS_CONTENT_TEMPLATE"):
        system.service("resource", **settings)


def test_production_verifies_phones(system: Installation) -> None:
    with pytest.raises(SettingsError, match="BARONG_PHONE_VERIFICATION"):
        system.service("resource", BARONG_ENV="production")


async def test_the_mock_accepts_any_code_and_logs_it(member: Client) -> None:
    number = a_number()
    with capture_logs() as logs:
        await add(member, number)
        await verify(member, number, "anything")
    sent, accepted = (log for log in logs if log.get("number") == number)
    assert re.fullmatch("[0-9]{5}", sent["code"])
    assert accepted["code"] == "anything"


async def remove(client: Client, number: str) -> Answer:
    return await client.call("DELETE", PHONES, params={"phone_number": number})


async def test_a_phone_is_removed_and_free_for_others(
    system: Installation, member: Client, ear: Ear
) -> None:
    first, second = a_number(), a_number()
    for number in (first, second):
        assert (await add(member, number)).status == 201
        assert (await verify(member, number)).status == 201
    assert (await remove(member, f" 00{first[1:]}")).status == 204
    me = (await member.get("resource/users/me")).body
    assert ([phone["number"] for phone in me["phones"]], me["level"]) == ([second[1:]], 2)

    assert (await remove(member, second)).status == 204
    me = (await member.get("resource/users/me")).body
    assert (me["phones"], me["level"]) == ([], 1)
    assert [label["key"] for label in me["labels"]] == ["email"]
    gone = await ear.called("model.phone.deleted", member.email, 2)
    assert [event.record["number"] for event in gone] == [first[1:], second[1:]]
    (unlabelled,) = await ear.called("model.label.deleted", member.email)
    assert unlabelled.record["user"]["level"] == 1  # as it is without the label

    async with Client(system) as other:
        await other.become_member()
        assert (await add(other, first)).status == 201
        assert (await verify(other, first)).status == 201


@pytest.mark.parametrize(
    ("number", "status", "errors"),
    [
        ("", 400, NO_NUMBER[1:]),
        ("nope", 400, INVALID),
        ("+380670000000", 404, UNKNOWN),
    ],
)
async def test_what_is_no_phone_to_remove(
    shared_member: Client, number: str, status: int, errors: list[str]
) -> None:
    answer = await remove(shared_member, number)
    assert (answer.status, answer.errors) == (status, errors)


async def test_what_an_administrator_said_of_a_phone_stays(member: Client) -> None:
    uid = (await member.get("resource/users/me")).body["uid"]
    number = a_number()
    await add(member, number)
    await verify(member, number)
    await put_private_label(member.system, uid, "phone", "rejected")
    assert (await remove(member, number)).status == 204
    labels = (await member.get("resource/labels")).body
    assert {label["key"]: label["value"] for label in labels}["phone"] == "rejected"


async def test_a_phone_is_removed_once(member: Client) -> None:
    number = a_number()
    await add(member, number)
    answers = await asyncio.gather(*(remove(member, number) for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [204, 404, 404, 404]


async def test_the_phone_of_a_deleted_account_is_free(
    system: Installation, member: Client, ear: Ear
) -> None:
    number = a_number()
    await add(member, number)
    await verify(member, number)
    gone = await member.call("DELETE", "resource/users/me", params={"password": PASSWORD})
    assert gone.status == 204
    async with Client(system) as other:
        await other.become_member()
        assert (await add(other, number)).status == 201
        assert (await verify(other, number)).status == 201
        assert (await other.get("resource/users/me")).body["level"] == 2
    (deleted,) = await ear.called("model.phone.deleted", member.email)
    assert deleted.record["number"] == number[1:]
    unlabelled = await ear.called("model.label.deleted", member.email)
    assert [event.record["key"] for event in unlabelled] == ["phone"]
    assert unlabelled[0].record["user"]["state"] == "deleted"
