"""A forgotten password: the mail that helps, and what its token can do."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import jwt
import pytest

from shared.contracts.events import ReceivedEvent
from shared.contracts.labels import PrivateLabels
from shared.process import running
from tests.support.authenticator import second_factor_of
from tests.support.client import Answer, Client
from tests.support.even_times import ALIKE, slowest_to_fastest
from tests.support.events import Ear, listening
from tests.support.internal import AT_HOME, identity_of, tables_of_identity
from tests.support.system import PASSWORD, Installation, ready
from tests.support.waiting import HEARD_SECONDS, until

pytestmark = pytest.mark.xdist_group("machine")

GENERATE = "identity/users/password/generate_code"
CONFIRM = "identity/users/password/confirm_code"
NEW = "Kd8-vFq2!mZx04pL"
NOT_A_USER = "nobody@example.com"

EMAIL = ["identity.user.missing_email", "identity.user.empty_email"]
TOKEN = ["identity.user.missing_pass_token", "identity.user.empty_reset_password_token"]
FIRST = ["identity.user.missing_password", "identity.user.empty_password"]
SECOND = ["identity.user.missing_confirm_password", "identity.user.empty_confirm_password"]
FULL = {"reset_password_token": "a.b.c", "password": NEW, "confirm_password": NEW}


async def reset_token(client: Client) -> str:
    """The token of a reset that this client asks for."""
    file = client.system.mail / f"{quote(client.email, safe='@')}.token"
    before = file.read_text() if file.exists() else ""
    answer = await client.post(GENERATE, {"email": client.email})
    assert (answer.status, answer.body) == (201, "")

    async def arrived() -> str:
        token = file.read_text() if file.exists() else ""
        return token if token != before else ""

    return await until(arrived)


async def confirm(client: Client, token: str, password: str = NEW, **changes: str) -> Answer:
    form = {"reset_password_token": token, "password": password, "confirm_password": password}
    return await client.post(CONFIRM, form | changes)


def without(*names: str) -> dict[str, str]:
    return {name: value for name, value in FULL.items() if name not in names}


@pytest.mark.parametrize(
    ("form", "codes"),
    [({}, EMAIL), ({"email": ""}, EMAIL[1:]), ({"email": "   "}, EMAIL[1:])],
)
async def test_faults_of_asking(client: Client, form: Mapping[str, str], codes: list[str]) -> None:
    answer = await client.post(GENERATE, form)
    assert (answer.status, answer.errors) == (400, codes)


@pytest.mark.parametrize(
    ("form", "status", "codes"),
    [
        ({}, 400, TOKEN + FIRST + SECOND),
        (without("reset_password_token"), 400, TOKEN),
        (FULL | {"reset_password_token": ""}, 400, TOKEN[1:]),
        (FULL | {"reset_password_token": "  "}, 400, TOKEN[1:]),
        (without("password"), 400, FIRST),
        (FULL | {"password": ""}, 400, FIRST[1:]),
        (FULL | {"password": "  "}, 400, FIRST[1:]),
        (without("confirm_password"), 400, SECOND),
        (FULL | {"confirm_password": ""}, 400, SECOND[1:]),
        (FULL | {"confirm_password": "  "}, 400, SECOND[1:]),
        # The passwords are compared before the token is looked at.
        (FULL | {"confirm_password": NEW + "x"}, 422, ["identity.user.passwords_doesnt_match"]),
        (FULL | {"reset_password_token": "junk"}, 422, ["jwt.decode_and_verify.segments"]),
        (FULL, 422, ["jwt.decode_and_verify.encoding"]),
        # The token is looked at before the password is judged.
        (
            {"reset_password_token": "junk", "password": "x", "confirm_password": "x"},
            422,
            ["jwt.decode_and_verify.segments"],
        ),
    ],
)
async def test_faults_of_resetting(
    client: Client, form: Mapping[str, str], status: int, codes: list[str]
) -> None:
    answer = await client.post(CONFIRM, form)
    assert (answer.status, answer.errors) == (status, codes)


async def test_a_forgotten_password_is_replaced(client: Client) -> None:
    await client.become_member()
    answer = await confirm(client, await reset_token(client))
    assert (answer.status, answer.body) == (201, "")
    assert (await client.log_in()).errors == ["identity.session.invalid_params"]
    assert (await client.log_in(password=NEW)).status == 201


async def test_the_address_is_found_in_any_case(client: Client) -> None:
    await client.become_member()
    file = client.system.mail / f"{quote(client.email, safe='@')}.token"
    confirmation = file.read_text()
    assert (await client.post(GENERATE, {"email": client.email.upper()})).status == 201

    async def arrived() -> bool:
        return file.read_text() != confirmation

    assert await until(arrived)


async def test_another_purpose_is_no_reset(client: Client) -> None:
    await client.sign_up()
    answer = await confirm(client, await client.mailed_token())
    assert (answer.status, answer.errors) == (422, ["jwt.decode_and_verify.confirmation"])


async def test_a_reset_token_confirms_no_address(client: Client) -> None:
    await client.sign_up()
    await client.mailed_token()
    token = await reset_token(client)
    answer = await client.post("identity/users/email/confirm_code", {"token": token})
    assert (answer.status, answer.errors) == (422, ["jwt.decode_and_verify.reset"])


async def test_an_expired_token(client: Client, system: Installation) -> None:
    await client.become_member()
    beside = system.beside()
    settings = {"BARONG_JWT_EXPIRE_TIME": "1"}
    async with running(beside.service("identity", **settings)) as addresses:
        await ready(beside, "identity")
        async with Client(system) as other:
            other.email = client.email
            file = system.mail / f"{quote(client.email, safe='@')}.token"
            before = file.read_text()
            url = f"{addresses.public}/api/v2/identity/users/password/generate_code"
            async with other._http.post(url, data={"email": client.email}) as got:  # noqa: SLF001
                assert got.status == 201

            async def arrived() -> str:
                return token if (token := file.read_text()) != before else ""

            token = await until(arrived)
    expiry = jwt.decode(token, options={"verify_signature": False})["exp"]

    async def expired() -> bool:
        return bool(time.time() > expiry)

    await until(expired)
    answer = await confirm(client, token)
    assert (answer.status, answer.errors) == (422, ["jwt.decode_and_verify.expired"])


@pytest.mark.parametrize("used", [0, 1, 2])
async def test_all_tokens_work_until_one_is_used(client: Client, used: int) -> None:
    await client.become_member()
    tokens = [await reset_token(client) for _ in range(3)]
    utilized = (422, ["identity.user.utilized_token"])
    assert (await confirm(client, tokens[used])).status == 201
    for token in tokens:
        answer = await confirm(client, token)
        assert (answer.status, answer.errors) == utilized


async def test_a_token_works_once_however_many_try(client: Client) -> None:
    await client.become_member()
    token = await reset_token(client)
    # Each may hash a password, and a busy machine takes its time for many.
    answers = await asyncio.gather(*(confirm(client, token) for _ in range(8)))
    assert sorted(answer.status for answer in answers) == [201] + [422] * 7
    refusals = {code for answer in answers if answer.status == 422 for code in answer.errors}
    assert refusals == {"identity.user.utilized_token"}


@pytest.mark.parametrize(
    ("password", "codes"),
    [
        ("Qwerty123", ["password.weak"]),
        ("alllowercase1", ["password.requirements"]),
        ("short1A", ["password.requirements"]),
        ("aB3" * 27, ["password.too_long", "password.requirements"]),
    ],
)
async def test_a_bad_password_does_not_use_up_the_token(
    client: Client, password: str, codes: list[str]
) -> None:
    await client.become_member()
    token = await reset_token(client)
    answer = await confirm(client, token, password)
    assert (answer.status, answer.errors) == (422, codes)
    assert (await confirm(client, token)).status == 201


async def test_a_reset_ends_all_sessions(client: Client, system: Installation) -> None:
    await client.become_member()
    token = await reset_token(client)
    async with Client(system) as other:
        other.email = client.email
        bearer = (await other.log_in()).headers["Authorization"]
        assert (await client.get("resource/users/me")).status == 200
        assert (await other.get("resource/users/me")).status == 200
        async with Client(system) as forgetful:
            await confirm(forgetful, token)

        async def refused() -> bool:
            answers = [
                await client.get("resource/users/me"),
                await other.get("resource/users/me"),
                await forgetful.get("resource/users/me", headers={"Authorization": bearer}),
            ]
            return [answer.status for answer in answers] == [401] * 3

        async with Client(system) as forgetful:
            assert await until(refused, HEARD_SECONDS)


async def test_a_pending_user_stays_pending(client: Client) -> None:
    await client.sign_up()
    await client.mailed_token()
    assert (await confirm(client, await reset_token(client))).status == 201
    answer = await client.log_in(password=NEW)
    assert (answer.status, answer.body["state"], answer.body["level"]) == (201, "pending", 0)


async def test_a_reset_leaves_the_second_factor_on(client: Client) -> None:
    uid = (await client.become_member()).body["uid"]
    await second_factor_of(client, uid)
    assert (await confirm(client, await reset_token(client))).status == 201
    answer = await client.log_in(password=NEW)
    assert (answer.status, answer.errors) == (401, ["identity.session.missing_otp"])


@pytest.mark.parametrize("state", ["banned", "deleted", "locked"])
async def test_who_may_not_log_in_resets_nothing(
    client: Client, system: Installation, state: str
) -> None:
    uid = (await client.become_member()).body["uid"]
    token = await reset_token(client)
    async with tables_of_identity(system) as tables:
        await tables.execute("UPDATE users SET state = $2 WHERE uid = $1", uid, state)
        answer = await confirm(client, token)
        assert (answer.status, answer.errors) == (422, ["identity.user.utilized_token"])
        await tables.execute("DELETE FROM mail_tokens WHERE uid = $1", uid)
        answer = await client.post(GENERATE, {"email": client.email})
        assert (answer.status, answer.body) == (201, "")
        assert await tables.fetchval("SELECT count(*) FROM mail_tokens WHERE uid = $1", uid) == 0


async def test_a_ban_takes_tokens_back_for_good(client: Client, system: Installation) -> None:
    uid = (await client.become_member()).body["uid"]
    token = await reset_token(client)
    async with identity_of(system) as identity:
        banned = {"email": "verified", "ban": "spam"}
        await identity.apply_labels(PrivateLabels(uid, 1000, banned))
        await identity.apply_labels(PrivateLabels(uid, 1001, {"email": "verified"}))
    answer = await confirm(client, token)
    assert (answer.status, answer.errors) == (422, ["identity.user.utilized_token"])


async def test_a_changed_password_takes_the_token_back(
    client: Client, system: Installation
) -> None:
    uid = (await client.become_member()).body["uid"]
    token = await reset_token(client)
    async with identity_of(system) as identity:
        await identity.change_password(uid, PASSWORD, "An0ther-night-train", None, AT_HOME)
    answer = await confirm(client, token)
    assert (answer.status, answer.errors) == (422, ["identity.user.utilized_token"])


async def test_an_unknown_address_is_answered_alike(client: Client) -> None:
    await client.become_member()
    answers: dict[str, Any] = {}

    async def ask(email: str) -> None:
        answer = await client.post(GENERATE, {"email": email})
        answers[email] = (answer.status, answer.body, sorted(answer.headers))

    ratio = await slowest_to_fastest((client.email, NOT_A_USER), ask)
    assert answers[client.email] == answers[NOT_A_USER]
    assert answers[NOT_A_USER][:2] == (201, "")
    assert ratio < ALIKE


async def test_the_events_of_a_reset(client: Client, system: Installation) -> None:
    async with listening(system) as ear:
        await client.become_member()
        token = await reset_token(client)
        await confirm(client, token)
        heard = {event.name: event for event in await about_passwords(ear, client)}
    asked = heard["system.user.password.reset.token"].record
    assert set(asked) == {"user", "domain", "token"}
    assert (asked["token"], asked["domain"]) == (token, "http://localhost:8080")
    assert asked["user"]["email"] == client.email
    done = heard["system.user.password.reset"].record
    assert set(done) == {"user", "domain"}
    assert done["user"]["state"] == "active"
    updated = heard["model.user.updated"]
    assert (updated.record["email"], updated.changes) == (client.email, {})
    revoked = heard["system.session.revoked"].record
    assert (revoked["user"]["email"], revoked["sid"]) == (client.email, None)


async def about_passwords(ear: Ear, client: Client) -> list[ReceivedEvent]:
    """The events that follow the member's making: those of the reset."""

    async def all_heard() -> list[ReceivedEvent]:
        mine = [
            event for event in ear.events if client.email in str(event.record) and not event.changes
        ]
        names = [event.name for event in mine]
        done = {"system.user.password.reset", "system.session.revoked", "model.user.updated"}
        return mine if done <= set(names) else []

    return await until(all_heard)
