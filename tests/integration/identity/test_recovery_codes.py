"""Recovery codes: made, used at a log-in, each once, and gone with the second factor."""

import asyncio
import re
from typing import Any

import pytest

from tests.support.authenticator import Authenticator, forget_used_codes, second_factor_of
from tests.support.client import Answer, Client
from tests.support.events import Ear
from tests.support.internal import tables_of_identity
from tests.support.system import PASSWORD

CODES = "resource/otp/recovery_codes"
USED = "system.user.recovery_code.used"


@pytest.fixture
async def uid(client: Client) -> str:
    """A member's."""
    return str((await client.become_member()).body["uid"])


@pytest.fixture
async def authenticator(client: Client, uid: str) -> Authenticator:
    """The member's, who has logged in with it."""
    made = await second_factor_of(client, uid)
    assert (await log_in(client, made.code())).status == 201
    await forget_used_codes(client, uid)
    return made


async def log_in(client: Client, code: str) -> Answer:
    form = {"email": client.email, "password": PASSWORD, "otp_code": code}
    return await client.post("identity/sessions", form)


async def new_codes(client: Client) -> list[str]:
    answer = await client.post(CODES)
    assert answer.status == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.body["remaining"] == 10
    return list(answer.body["codes"])


async def remaining(client: Client) -> int:
    return int((await client.get(CODES)).body["remaining"])


async def test_without_a_second_factor_there_is_nothing_to_recover(
    client: Client, uid: str
) -> None:
    refused = await client.post(CODES)
    assert (refused.status, refused.errors) == (422, ["resource.otp.not_enabled"])
    assert (await client.get(CODES)).body == {"remaining": 0, "created_at": None}


async def test_ten_codes_are_shown_once(
    client: Client, uid: str, authenticator: Authenticator
) -> None:
    codes = await new_codes(client)
    assert len(set(codes)) == 10
    shape = re.compile("[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}")
    assert all(shape.fullmatch(code) for code in codes)
    shown = (await client.get(CODES)).body
    assert shown["remaining"] == 10
    assert shown["created_at"]
    async with tables_of_identity(client.system) as tables:
        rows = await tables.fetch("SELECT digest FROM recovery_codes WHERE uid = $1", uid)
    stored = b"".join(row["digest"] for row in rows)
    assert not any(code.replace("-", "").encode() in stored for code in codes)


async def test_a_code_logs_in_once_however_it_is_written(
    client: Client, uid: str, authenticator: Authenticator, ear: Ear
) -> None:
    first, second, *_ = await new_codes(client)
    assert (await log_in(client, first)).status == 201
    assert (await log_in(client, first)).errors == ["identity.session.invalid_otp"]
    as_typed = f" {second.replace('-', ' ').lower().replace('0', 'o').replace('1', 'l')} "
    assert (await log_in(client, as_typed)).status == 201
    assert (await client.get("identity/sessions")).body["acr"] == "aal2"
    assert await remaining(client) == 8
    events = await ear.called(USED, client.email, 2)
    assert [event.record["remaining"] for event in events] == [9, 8]


async def test_of_two_uses_at_once_one_succeeds(
    client: Client, uid: str, authenticator: Authenticator
) -> None:
    code, *_ = await new_codes(client)

    async def elsewhere() -> int:
        async with Client(client.system) as other:
            other.email = client.email
            return (await log_in(other, code)).status

    assert sorted(await asyncio.gather(*(elsewhere() for _ in range(3)))) == [201, 403, 403]
    assert await remaining(client) == 9


async def test_new_codes_replace_the_old_ones(
    client: Client, uid: str, authenticator: Authenticator
) -> None:
    old, *_ = await new_codes(client)
    new, *_ = await new_codes(client)
    assert (await log_in(client, old)).status == 403
    assert (await log_in(client, new)).status == 201


async def test_codes_of_somebody_else_do_not_count(
    client: Client, uid: str, authenticator: Authenticator
) -> None:
    async with Client(client.system) as other:
        other_uid = (await other.become_member()).body["uid"]
        assert (
            await log_in(other, (await second_factor_of(other, other_uid)).code())
        ).status == 201
        theirs, *_ = await new_codes(other)
    await new_codes(client)
    for wrong in (theirs, "0000-0000-0000-0000", "x" * 16, "é" * 16):
        assert (await log_in(client, wrong)).errors == ["identity.session.invalid_otp"]


async def test_whoever_lost_the_authenticator_can_set_up_another(
    client: Client, uid: str, authenticator: Authenticator
) -> None:
    first, second, *_ = await new_codes(client)
    assert (await log_in(client, first)).status == 201
    verified = await client.post("resource/otp/verify", {"code": second})
    assert verified.status == 422  # it stands for no code of the authenticator elsewhere
    assert (await client.post("resource/otp/disable", {"code": second})).status == 201
    assert await remaining(client) == 0  # they end with the second factor
    assert (await client.post("resource/otp/generate_qrcode")).status == 201


async def test_they_ask_for_a_recent_verification(
    client: Client, uid: str, authenticator: Authenticator, admin: Client
) -> None:
    async with tables_of_identity(client.system) as tables:
        await tables.execute(
            "UPDATE sessions SET auth_time = auth_time - interval '601 seconds' WHERE uid = $1", uid
        )
    refused: Any = await client.post(CODES)
    assert (refused.status, refused.errors) == (401, ["authz.insufficient_user_authentication"])
    assert 'max_age="600"' in refused.headers["WWW-Authenticate"]
    form = {"otp_code": authenticator.code()}
    assert (await client.post("resource/sessions/verify", form)).status == 201
    code, *_ = await new_codes(client)
    assert (await client.post("resource/sessions/verify", {"otp_code": code})).status == 201
    again = await client.post("resource/sessions/verify", {"otp_code": code})
    assert (again.status, again.errors) == (422, ["resource.session.invalid_otp"])
