"""Step-up: how and when a session's user was authenticated, and verifications (RFC 9470)."""

import time
import uuid
from typing import Any

import aiohttp
import jwt
import pytest

from tests.support.authenticator import (
    Authenticator,
    early_in_a_step,
    forget_used_codes,
    second_factor_of,
)
from tests.support.client import Answer, Client
from tests.support.internal import identity_of, tables_of_identity
from tests.support.system import PASSWORD, Installation
from tests.support.waiting import until

VERIFY = "resource/sessions/verify"


@pytest.fixture
async def uid(client: Client) -> str:
    """A member's, who logged in with the password."""
    uid = (await client.become_member()).body["uid"]
    assert (await client.log_in()).status == 201
    return str(uid)


async def shown(client: Client) -> tuple[list[str], str]:
    """The methods and the level of the client's session."""
    body = (await client.get("identity/sessions")).body
    return body["amr"], body["acr"]


async def verify(client: Client, **form: str) -> Answer:
    return await client.post(VERIFY, form)


def claims_of(authorization: str) -> dict[str, Any]:
    token = authorization.removeprefix("Bearer ")
    return jwt.decode(token, options={"verify_signature": False})


async def age(client: Client, uid: str, seconds: int) -> None:
    """Makes the authentications in the user's sessions older, and lets gateways forget them."""
    async with tables_of_identity(client.system) as tables:
        await tables.execute(
            "UPDATE sessions SET auth_time = auth_time - make_interval(secs => $2) WHERE uid = $1",
            uid,
            seconds,
        )

    async def forgotten() -> bool:
        claims = claims_of(await client.upstream_bearer())
        return bool(claims["auth_time"] <= time.time() - seconds)

    await until(forgotten)


async def test_each_way_into_a_session_is_told(client: Client, uid: str) -> None:
    async with Client(client.system) as newcomer:
        signed_up = await newcomer.sign_up()
        assert await shown(newcomer) == (["pwd"], "aal1")
        claims = claims_of(signed_up.headers["Authorization"])
        assert (claims["amr"], claims["acr"]) == (["pwd"], "aal1")
        assert abs(claims["auth_time"] - time.time()) < 60
        await newcomer.confirm()
        assert await shown(newcomer) == (["email"], "aal1")
    assert await shown(client) == (["pwd"], "aal1")
    authenticator = await second_factor_of(client, uid)
    form = {"email": client.email, "password": PASSWORD, "otp_code": authenticator.code()}
    answer = await client.post("identity/sessions", form)
    assert answer.status == 201
    assert await shown(client) == (["pwd", "otp", "mfa"], "aal2")
    for bearer in (answer.headers["Authorization"], await client.upstream_bearer()):
        claims = claims_of(bearer)
        assert (claims["amr"], claims["acr"]) == (["pwd", "otp", "mfa"], "aal2")


async def test_a_token_without_a_session_claims_no_authentication(
    uid: str, system: Installation
) -> None:
    async with identity_of(system, "authz-gateway") as identity:
        token = await identity.user_token(uid)
    assert not {"auth_time", "amr", "acr", "sid"} & claims_of(token.token).keys()
    assert token.principal.auth_time is None


async def test_a_session_of_an_earlier_release_counts_as_opened_with_a_password(
    client: Client, uid: str
) -> None:
    """Its row was written without the columns, as by an instance that still runs."""
    async with tables_of_identity(client.system) as tables:
        row = await tables.fetchrow(
            "INSERT INTO sessions (sid, key, csrf_digest, uid, user_agent, address, network,"
            " expires_at, absolute_expires_at) SELECT $2, $3, csrf_digest, uid, user_agent,"
            " address, network, expires_at, absolute_expires_at FROM sessions WHERE uid = $1"
            " LIMIT 1 RETURNING amr, acr, now() - auth_time AS age",
            uid,
            uuid.uuid4(),
            uuid.uuid4().hex * 2,
        )
    assert row is not None
    assert (row["amr"], row["acr"], row["age"].total_seconds()) == (["pwd"], "aal1", 0)


async def test_a_password_renews_the_authentication(client: Client, uid: str) -> None:
    await age(client, uid, 1000)
    answer = await verify(client, password=PASSWORD)
    assert (answer.status, answer.body["amr"], answer.body["acr"]) == (201, ["pwd"], "aal1")
    claims = claims_of(await client.upstream_bearer())  # the very next call
    assert abs(claims["auth_time"] - time.time()) < 60


async def test_with_a_second_factor_a_code_is_needed(client: Client, uid: str) -> None:
    authenticator = await second_factor_of(client, uid)
    assert (
        await client.post("identity/sessions", credentials(client, authenticator))
    ).status == 201
    await early_in_a_step()
    await forget_used_codes(client, uid)
    alone = await verify(client, password=PASSWORD)
    assert (alone.status, alone.errors) == (422, ["resource.session.missing_otp"])
    wrong = await verify(client, password=PASSWORD, otp_code=authenticator.wrong_code())
    assert (wrong.status, wrong.errors) == (422, ["resource.session.invalid_otp"])
    code = authenticator.code()
    bad = await verify(client, password="wrong", otp_code=code)
    assert (bad.status, bad.errors) == (422, ["resource.session.invalid_password"])
    both = await verify(client, password=PASSWORD, otp_code=code)  # a wrong password used up none
    assert (both.status, both.body["acr"]) == (201, "aal2")
    again = await verify(client, otp_code=code)
    assert (again.status, again.errors) == (422, ["totp.error"])
    await forget_used_codes(client, uid)
    by_code = await verify(client, otp_code=authenticator.code())
    assert (by_code.body["amr"], by_code.body["acr"]) == (["pwd", "otp", "mfa"], "aal2")


def credentials(client: Client, authenticator: Authenticator) -> dict[str, str]:
    return {"email": client.email, "password": PASSWORD, "otp_code": authenticator.code()}


async def test_what_a_verification_refuses(client: Client, uid: str) -> None:
    for form, code in (
        ({}, "resource.session.missing_credentials"),
        ({"password": " ", "otp_code": ""}, "resource.session.missing_credentials"),
        ({"otp_code": "123456"}, "resource.session.invalid_otp"),
        ({"password": "wrong"}, "resource.session.invalid_password"),
        ({"password": "x" * 2000}, "invalid"),
    ):
        answer = await verify(client, **form)
        assert (answer.status, answer.errors) == (422, [code]), form
    without_token = await client.post(VERIFY, {"password": PASSWORD}, headers={"X-CSRF-Token": "x"})
    assert without_token.errors == ["authz.csrf_token_mismatch"]
    async with Client(client.system) as anonymous:
        assert (await verify(anonymous, password=PASSWORD)).status == 401


async def test_a_call_without_a_session_verifies_nothing(
    client: Client, uid: str, system: Installation
) -> None:
    async with identity_of(system, "authz-gateway") as identity:
        token = (await identity.user_token(uid)).token
    url = f"{system.public_url('identity')}/api/v2/resource/sessions/verify"
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as http,
        http.post(url, data={"password": PASSWORD}) as got,
    ):
        assert (got.status, await got.json()) == (404, {"errors": ["identity.session.not_found"]})


async def test_verifications_are_activities(client: Client, uid: str, admin: Client) -> None:
    assert (await verify(client, password="wrong")).status == 422
    assert (await verify(client, password=PASSWORD)).status == 201

    async def recorded() -> list[tuple[str, str]]:
        found = (await admin.get("admin/activities", params={"uid": uid})).body
        mine = [(e["result"], e["data"] or "") for e in found if e["action"] == "verify"]
        return mine if len(mine) == 2 else []

    assert sorted(await until(recorded)) == [
        ("failed", '{"reason": "Password is not correct"}'),
        ("succeed", ""),
    ]
