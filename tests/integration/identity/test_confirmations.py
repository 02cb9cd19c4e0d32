"""Confirmation of e-mails: every answer that Barong was seen to give, and what it got wrong."""

import asyncio
import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from shared.contracts.services import ADMIN
from tests.support.client import Client
from tests.support.even_times import ALIKE, slowest_to_fastest
from tests.support.events import listening
from tests.support.forgery import Forger, forger_of
from tests.support.internal import (
    identity_of,
    superadmin_of,
    tables_of_identity,
    tables_of_resource,
)
from tests.support.system import Installation
from tests.support.waiting import until

pytestmark = pytest.mark.xdist_group("machine")

CONFIRM = "identity/users/email/confirm_code"
GENERATE = "identity/users/email/generate_code"


@pytest.fixture
async def forger(system: Installation) -> Forger:
    return await forger_of(system)


def later(hours: float) -> datetime:
    return datetime.now(UTC) + timedelta(hours=hours)


def unsigned(forger: Forger) -> str:
    """A token that says it needs no signature."""
    _, claims, _ = forger.token().split(".")
    header = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    return f"{header}.{claims}."


MISSING = ["identity.user.missing_token", "identity.user.empty_token"]
WHY = "jwt.decode_and_verify."

BAD_TOKENS: list[tuple[str, Callable[[Forger], str], str]] = [
    ("junk", lambda _: "junk", "segments"),
    ("four parts", lambda _: "a.b.c.d", "segments"),
    ("alg none", unsigned, "segments"),
    ("a.b.c", lambda _: "a.b.c", "encoding"),
    ("wrong sub", lambda forger: forger.token(sub="reset"), "reset"),
    ("a bearer", lambda forger: forger.token(sub="session"), "session"),
    ("expired", lambda forger: forger.token(exp=later(-1)), "expired"),
    ("wrong issuer", lambda forger: forger.token(iss="zz"), "zz"),
    ("no issuer", lambda forger: forger.token(iss=None), "<none>"),
    ("wrong audience", lambda forger: forger.token(aud=["zz"]), '["zz"]'),
    ("wrong audience, text", lambda forger: forger.token(aud="zz"), '["zz"]'),
    ("no audience", lambda forger: forger.token(aud=None), "<none>"),
    ("no jti", lambda forger: forger.token(jti=None), "jti"),
    ("issued in the future", lambda forger: forger.token(iat=later(1)), "iat"),
    ("not yet valid", lambda forger: forger.token(nbf=later(1)), "reached"),
    ("HS256", lambda forger: forger.signed({}, b"x" * 32, "HS256"), "algorithm"),
    (
        "another key",
        lambda forger: forger.signed({}, rsa.generate_private_key(65537, 2048)),
        "raised",
    ),
    (
        "a key that is unknown",
        lambda forger: Forger("unknown", forger.key).token(),
        "raised",
    ),
    ("a changed signature", lambda forger: forger.token()[:-8] + "AAAAAAAA", "raised"),
    ("a jti that is none of ours", lambda forger: forger.token(jti="7"), "encoding"),
]

UNKNOWN: list[tuple[str, dict[str, object]]] = [
    ("nobody", {}),
    ("no exp", {"exp": None}),
    ("audience as text", {"aud": "barong"}),
    ("a uid that is no text", {"uid": 7}),
]


@pytest.mark.parametrize(
    ("form", "status", "errors"),
    [
        ({}, 400, MISSING),
        ({"token": ""}, 400, ["identity.user.empty_token"]),
        ({"token": "   "}, 400, ["identity.user.empty_token"]),
        ({"token": None}, 400, ["identity.user.empty_token"]),
        ({"token": ["x"]}, 422, ["invalid"]),
        ({"token": "x" * 20_000}, 422, ["invalid"]),
    ],
)
async def test_parameters_of_confirmation(
    client: Client, form: dict[str, object], status: int, errors: list[str]
) -> None:
    answer = await client.post(CONFIRM, json=form)
    assert (answer.status, answer.errors) == (status, errors)


@pytest.mark.parametrize(
    ("make", "why"), [row[1:] for row in BAD_TOKENS], ids=[row[0] for row in BAD_TOKENS]
)
async def test_bad_tokens(
    client: Client, forger: Forger, make: Callable[[Forger], str], why: str
) -> None:
    answer = await client.post(CONFIRM, {"token": make(forger)})
    assert (answer.status, answer.errors) == (422, [WHY + why])


@pytest.mark.parametrize("changes", [row[1] for row in UNKNOWN], ids=[row[0] for row in UNKNOWN])
async def test_tokens_of_nobody(client: Client, forger: Forger, changes: dict[str, object]) -> None:
    answer = await client.post(CONFIRM, {"token": forger.token(**changes)})
    assert (answer.status, answer.errors) == (422, ["identity.user.active_or_doesnt_exist"])


# Barong took every token that was signed; ours have to be of those that were sent, too.
async def test_a_token_that_was_never_sent_confirms_nobody(client: Client, forger: Forger) -> None:
    user = (await client.sign_up()).body
    token = forger.token(uid=user["uid"], email=user["email"])
    answer = await client.post(CONFIRM, {"token": token})
    assert (answer.status, answer.errors) == (422, ["identity.user.active_or_doesnt_exist"])


# Barong looked for the e-mail alone, so that a token could confirm another account.
async def test_a_token_confirms_its_own_account_only(
    client: Client, system: Installation, forger: Forger
) -> None:
    await client.sign_up()
    claims = json.loads(
        base64.urlsafe_b64decode((await client.mailed_token()).split(".")[1] + "==")
    )
    async with Client(system) as other:
        victim = (await other.sign_up()).body
        for changes in ({"email": victim["email"]}, {"uid": victim["uid"]}):
            answer = await client.post(CONFIRM, {"token": forger.signed(claims | changes)})
            assert answer.errors == ["identity.user.active_or_doesnt_exist"]
        assert (await other.get("resource/users/me")).body["state"] == "pending"


async def test_an_active_account_is_confirmed_no_more(client: Client) -> None:
    await client.sign_up()
    await client.post(GENERATE, {"email": client.email})
    await client.confirm()
    again = await client.confirm()
    assert (again.status, again.errors) == (422, ["identity.user.utilized_token"])


async def test_who_was_made_active_by_somebody_else_is_confirmed_no_more(
    client: Client, system: Installation
) -> None:
    await client.sign_up()
    async with (
        tables_of_identity(system) as tables,
        identity_of(system, ADMIN) as administration,
    ):
        uid = await tables.fetchval("SELECT uid FROM users WHERE email = $1", client.email)
        await administration.change_state(await superadmin_of(system), uid, "active")
    answer = await client.confirm()
    assert (answer.status, answer.errors) == (422, ["identity.user.active_or_doesnt_exist"])


async def test_confirmation_opens_a_new_session(client: Client) -> None:
    await client.sign_up()
    before = client.cookie
    answer = await client.confirm()
    assert answer.status == 201
    assert client.cookie not in ("", before)
    assert answer.headers["Authorization"].startswith("Bearer ")
    assert answer.body["csrf_token"]


@pytest.mark.parametrize(
    ("form", "errors"),
    [
        ({}, ["identity.user.missing_email", "identity.user.empty_email"]),
        ({"email": ""}, ["identity.user.empty_email"]),
        ({"email": "   "}, ["identity.user.empty_email"]),
    ],
)
async def test_parameters_of_another_mail(
    client: Client, form: dict[str, str], errors: list[str]
) -> None:
    answer = await client.post(GENERATE, form)
    assert (answer.status, answer.errors) == (400, errors)


async def test_another_mail_is_sent_to_who_waits_and_to_nobody_else(
    client: Client, system: Installation
) -> None:
    name = "system.user.email.confirmation.token"
    async with Client(system) as member, listening(system) as ear:
        await client.sign_up()
        await member.become_member()
        for email in (member.email, "nobody@example.com", "junk", client.email.upper()):
            answer = await client.post(GENERATE, {"email": email})
            assert (answer.status, answer.body) == (201, "")
        await ear.of(client.email, 3)
        heard = [event.record["user"]["email"] for event in ear.events if event.name == name]
    assert sorted(heard) == sorted([client.email, client.email, member.email])


async def test_the_answer_tells_by_no_delay_who_has_an_account(client: Client) -> None:
    await client.sign_up()

    async def ask(email: str) -> None:
        await client.post(GENERATE, {"email": email})

    assert await slowest_to_fastest((client.email, "nobody@example.com"), ask) < ALIKE


async def test_who_is_banned_while_he_confirms_gets_no_session(
    client: Client, system: Installation
) -> None:
    await client.sign_up()
    async with (
        tables_of_identity(system) as identity,
        tables_of_resource(system) as resource,
        identity_of(system, ADMIN) as administration,
    ):
        uid = await identity.fetchval("SELECT uid FROM users WHERE email = $1", client.email)

        async def is_active() -> bool:
            state = await identity.fetchval("SELECT state FROM users WHERE uid = $1", uid)
            return bool(state == "active")

        async with resource.transaction():  # so that the user's attachments are waited for
            await resource.execute("LOCK TABLE phones IN ACCESS EXCLUSIVE MODE")
            confirming = asyncio.create_task(client.confirm())
            await until(is_active)
            await administration.change_state(await superadmin_of(system), uid, "banned")
        answer = await confirming
        assert (answer.status, answer.errors) == (422, ["identity.user.active_or_doesnt_exist"])
        assert not await identity.fetchval("SELECT count(*) FROM sessions WHERE uid = $1", uid)
