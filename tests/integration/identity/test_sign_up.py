"""Sign-up: every answer that Barong was seen to give, and where we answer otherwise on purpose."""

import json
import secrets
from collections.abc import Mapping

import pytest

from tests.support.client import Answer, Client
from tests.support.events import listening
from tests.support.internal import tables_of_identity
from tests.support.system import PASSWORD, Installation

USERS = "identity/users"

GOOD = {"email": "good@example.com", "password": PASSWORD}
LONG = "aB3!" + "xK7#" * 20  # 84 characters

NOT_AN_EMAIL = (
    "plain", "a@", "@example.com", "a@b", "a b@example.com", "a@exa mple.com", "a@@example.com",
    "a..b@example.com", ".a@example.com", "a.@example.com", "a@-example.com", "a@example-.com",
    "a@example..com", "a@.com", "a@example.c_m", "a@example.com.", "a@[127.0.0.1]", "ä@example.com",
    "a@exä mple.com", '"a"@example.com', "a@example.com,b@example.com", "<a@example.com>",
    "a@127.0.0.1", f"{'a' * 65}@example.com", f"a@{'b' * 64}.com", f"a@{'b.' * 130}com",
)  # fmt: skip

REFUSED: list[tuple[str, Mapping[str, object], int, list[str]]] = [
    (
        "nothing",
        {},
        400,
        [
            "identity.user.missing_email",
            "identity.user.empty_email",
            "identity.user.missing_password",
            "identity.user.empty_password",
        ],
    ),
    (
        "no e-mail",
        {"password": PASSWORD},
        400,
        ["identity.user.missing_email", "identity.user.empty_email"],
    ),
    *(
        (f"e-mail {blank!r}", {**GOOD, "email": blank}, 400, ["identity.user.empty_email"])
        for blank in ("", "   ", None)
    ),
    (
        "no password",
        {"email": "good@example.com"},
        400,
        ["identity.user.missing_password", "identity.user.empty_password"],
    ),
    *(
        (f"password {blank!r}", {**GOOD, "password": blank}, 400, ["identity.user.empty_password"])
        for blank in ("", "   ", None)
    ),
    *((f"e-mail {text}", {**GOOD, "email": text}, 422, ["email.invalid"]) for text in NOT_AN_EMAIL),
    *(
        (f"password {text}", {**GOOD, "password": text}, 422, ["password.requirements"])
        for text in ("short1A", "alllowercase1", "ALLUPPERCASE1", "NoDigitsAtAll", "12345678")
    ),
    *(
        (f"password {text}", {**GOOD, "password": text}, 422, ["password.weak"])
        for text in ("Qwerty123", "Password1", "Abcd1234", "Passw0rd")
    ),
    (
        "a password of 84 characters",
        {**GOOD, "password": LONG},
        422,
        ["password.too_long", "password.requirements"],
    ),
    (
        "e-mail and password",
        {"email": "plain", "password": "short1A"},
        422,
        ["email.invalid", "password.requirements"],
    ),
    ("data that is no JSON", {**GOOD, "data": "{"}, 422, ["data.invalid_format"]),
    ("blank data", {**GOOD, "data": ""}, 422, ["data.invalid_format"]),
    ("data with NaN", {**GOOD, "data": '{"a": NaN}'}, 422, ["data.invalid_format"]),
    ("data, an object", {**GOOD, "data": {"a": 1}}, 422, ["invalid"]),
    ("e-mail, an array", {**GOOD, "email": ["a@example.com"]}, 422, ["invalid"]),
    ("password, an array", {**GOOD, "password": [PASSWORD]}, 422, ["invalid"]),
    ("referral, an array", {**GOOD, "refid": ["ID0000000000"]}, 422, ["invalid"]),
    ("an e-mail without end", {**GOOD, "email": "a" * 5000}, 422, ["email.invalid"]),
    (
        "too much data",
        {**GOOD, "data": json.dumps("x" * 1023)},
        422,
        ["data.too_long"],
    ),
    *(
        (f"referral {refid!r}", {**GOOD, "refid": refid}, 422, [code])
        for refid, code in (
            ("XX0000000000", "identity.user.invalid_referral_format"),
            ("id0000000000", "identity.user.invalid_referral_format"),
            ("", "identity.user.invalid_referral_format"),
            ("ID0000000000", "identity.user.referral_doesnt_exist"),
        )
    ),
]


@pytest.mark.parametrize(
    ("form", "status", "errors"),
    [row[1:] for row in REFUSED],
    ids=[row[0][:40] for row in REFUSED],
)
async def test_refused(
    client: Client, form: Mapping[str, object], status: int, errors: list[str]
) -> None:
    answer = await client.post(USERS, json=form)
    assert (answer.status, answer.errors) == (status, errors)
    assert client.cookie == ""


async def test_a_taken_e_mail(client: Client) -> None:
    await client.sign_up()
    for email in (client.email, client.email.upper(), f" {client.email} "):
        answer = await client.post(USERS, {"email": email, "password": PASSWORD})
        assert (answer.status, answer.errors) == (422, ["email.taken"])


async def test_a_taken_e_mail_a_weak_password_and_bad_data(client: Client) -> None:
    await client.sign_up()
    answer = await client.post(
        USERS, {"email": client.email, "password": "weak", "data": "not json"}
    )
    assert answer.errors == ["data.invalid_format", "email.taken", "password.requirements"]


# Barong refused more than 72 characters, where bcrypt stops reading; Argon2id reads them all.
@pytest.mark.parametrize("length", [72, 73, 79, 80])
async def test_a_long_password_counts_to_its_end(client: Client, length: int) -> None:
    password = LONG[:length]
    assert (await client.sign_up(password=password)).status == 201
    assert (await client.log_in(password=password[:-1] + "?")).status == 401
    assert (await client.log_in(password=password)).status == 201


async def test_a_referral_is_kept(client: Client, system: Installation) -> None:
    uid = (await client.sign_up()).body["uid"]
    async with Client(system) as friend:
        answer = await friend.sign_up(refid=uid)
        assert (answer.status, answer.body["referral_uid"]) == (201, uid)
        assert (await friend.get("resource/users/me")).body["referral_uid"] == uid


@pytest.mark.parametrize("data", ['{"language":"de"}', "[1]", '"text"', "null", "x" * 1022])
async def test_data_is_kept_as_it_came(client: Client, data: str) -> None:
    text = json.dumps(data) if data.startswith("x") else data
    answer = await client.sign_up(data=text)
    assert (answer.status, answer.body["data"]) == (201, text)


@pytest.mark.parametrize(
    "email",
    [
        "first.last+tag@sub.example.co",
        "UPPER@EXAMPLE.COM",
        "o'brien@example.com",
        "a@xn--exmple-cua.com",
    ],
)
async def test_addresses_that_mail_can_be_sent_to(client: Client, email: str) -> None:
    local, _, domain = email.partition("@")
    answer = await client.sign_up(email=f"{local}{secrets.token_hex(4)}@{domain}")
    assert answer.status == 201
    assert answer.body["email"] == client.email


async def test_parameters_nobody_asked_for_change_nothing(client: Client) -> None:
    answer = await client.sign_up(role="superadmin", state="active", level="3", uid="ID1")
    assert {name: answer.body[name] for name in ("role", "state", "level")} == {
        "role": "member",
        "state": "pending",
        "level": 0,
    }


async def test_whoever_is_refused_left_nothing(client: Client, system: Installation) -> None:
    email = f"{secrets.token_hex(6)}@example.com"
    async with listening(system) as ear:
        await client.post(USERS, {"email": email, "password": "weak"})
        await client.sign_up()
        await ear.of(client.email, 2)
        assert not [event for event in ear.events if email in json.dumps(event.record)]
    async with tables_of_identity(system) as tables:
        assert not await tables.fetchval("SELECT count(*) FROM users WHERE email = $1", email)


async def test_no_password_is_kept_or_told(client: Client, system: Installation) -> None:
    password = f"Kq7-{secrets.token_hex(8)}"
    answer: Answer = await client.sign_up(password=password)
    assert password not in json.dumps(answer.body)
    async with tables_of_identity(system) as tables:
        digest = await tables.fetchval(
            "SELECT password_digest FROM users WHERE uid = $1", answer.body["uid"]
        )
    assert digest.startswith("$argon2id$")
