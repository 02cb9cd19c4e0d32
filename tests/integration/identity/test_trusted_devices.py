"""Trusted devices: asked for no code for some days, listed, revoked, and off by default."""

from collections.abc import AsyncIterator

import pytest

from tests.support.authenticator import Authenticator, forget_used_codes, second_factor_of
from tests.support.client import Answer, Client
from tests.support.internal import tables_of_identity
from tests.support.own_service import installation_with
from tests.support.system import PASSWORD, Installation

DEVICES = "resource/trusted_devices"
MISSING = (401, ["identity.session.missing_otp"])
NEW_PASSWORD = "N3w-train-by-night"


@pytest.fixture(scope="module")
async def trusting(system: Installation) -> AsyncIterator[Installation]:
    """The system with an identity-svc that trusts devices."""
    async with installation_with(system, "identity", BARONG_TRUSTED_DEVICE_DAYS="30") as made:
        yield made


@pytest.fixture
async def member(trusting: Installation) -> AsyncIterator[Client]:
    async with Client(trusting) as made:
        await made.become_member()
        yield made


@pytest.fixture
async def authenticator(member: Client) -> Authenticator:
    """The member's, with which they trusted their browser."""
    uid = (await member.get("resource/users/me")).body["uid"]
    made = await second_factor_of(member, uid)
    assert (await log_in(member, made.code(), trust_device="true")).status == 201
    await forget_used_codes(member, uid)
    return made


async def log_in(client: Client, code: str = "", password: str = PASSWORD, **more: str) -> Answer:
    form = {"email": client.email, "password": password, "otp_code": code, **more}
    return await client.post("identity/sessions", form)


def refusal(answer: Answer) -> tuple[int, list[str]]:
    return answer.status, answer.errors


async def test_a_trusted_device_is_asked_for_no_code(
    member: Client, authenticator: Authenticator
) -> None:
    assert (await log_in(member)).status == 201
    session = (await member.get("identity/sessions")).body
    assert (session["amr"], session["acr"]) == (["pwd"], "aal1")  # no second factor was shown
    wrong = await log_in(member, password="wrong")
    assert refusal(wrong) == (401, ["identity.session.invalid_params"])
    assert (await log_in(member, authenticator.wrong_code())).status == 403
    verified = await member.post("resource/sessions/verify", {"password": PASSWORD})
    assert verified.errors == ["resource.session.missing_otp"]  # only log-ins trust it
    [device] = (await member.get(DEVICES)).body
    assert (device["user_ip"], device["used_at"] >= device["created_at"]) == ("127.0.0.1", True)


async def test_the_cookie_goes_to_log_ins_alone(
    member: Client, authenticator: Authenticator
) -> None:
    answer = await log_in(member, authenticator.code(), trust_device="true")
    assert answer.status == 201
    jar = member._http.cookie_jar  # noqa: SLF001
    cookies = [each for each in jar if each.key == "_barong_trusted_device"]
    assert sorted(each["path"] for each in cookies) == [
        "/api/v2/barong/identity/sessions",
        "/api/v2/identity/sessions",
        "/identity/sessions",
    ]
    for cookie in cookies:
        assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
        assert cookie["max-age"] == str(30 * 86_400)


async def test_without_being_asked_to_no_device_is_trusted(member: Client) -> None:
    uid = (await member.get("resource/users/me")).body["uid"]
    authenticator = await second_factor_of(member, uid)
    assert (await log_in(member, authenticator.code())).status == 201
    assert (await member.get(DEVICES)).body == []
    assert refusal(await log_in(member)) == MISSING


async def test_another_browser_and_another_user_are_asked(
    member: Client, authenticator: Authenticator
) -> None:
    member.headers = {"User-Agent": "curl/8"}  # it brings the cookie
    assert refusal(await log_in(member)) == MISSING
    member.headers = {}
    async with Client(member.system) as other:
        other_uid = (await other.become_member()).body["uid"]
        await second_factor_of(other, other_uid)
        member.email = other.email
    assert refusal(await log_in(member)) == MISSING


async def test_it_can_be_revoked_and_ends_by_itself(
    member: Client, authenticator: Authenticator
) -> None:
    [device] = (await member.get(DEVICES)).body
    async with Client(member.system) as other:
        await other.become_member()
        for unknown in (device["id"], "x", "x" * 300):
            answer = await other.call("DELETE", f"{DEVICES}/{unknown}")
            assert (answer.status, answer.errors) == (404, ["resource.trusted_device.doesnt_exist"])
    assert (await log_in(member)).status == 201
    assert (await member.call("DELETE", f"{DEVICES}/{device['id']}")).status == 204
    assert refusal(await log_in(member)) == MISSING
    assert (await log_in(member, authenticator.code(), trust_device="1")).status == 201
    async with tables_of_identity(member.system) as tables:
        await tables.execute("UPDATE trusted_devices SET expires_at = now()")
    assert (await member.get(DEVICES)).body == []
    assert refusal(await log_in(member)) == MISSING


async def test_it_ends_with_the_password(member: Client, authenticator: Authenticator) -> None:
    change = {"old_password": PASSWORD, "new_password": NEW_PASSWORD}
    change["confirm_password"] = NEW_PASSWORD
    assert (await member.call("PUT", "resource/users/password", change)).status == 201
    assert (await member.get(DEVICES)).body == []
    assert refusal(await log_in(member, password=NEW_PASSWORD)) == MISSING


async def test_it_ends_with_the_second_factor(member: Client, authenticator: Authenticator) -> None:
    off = await member.post("resource/otp/disable", {"code": authenticator.code()})
    assert off.status == 201
    assert (await member.get(DEVICES)).body == []


async def test_the_number_of_devices_is_limited(
    member: Client, authenticator: Authenticator
) -> None:
    uid = (await member.get("resource/users/me")).body["uid"]
    async with tables_of_identity(member.system) as tables:
        await tables.execute(
            "INSERT INTO trusted_devices"
            " (id, uid, digest, user_agent, address, used_at, expires_at)"
            " SELECT gen_random_uuid(), $1, uid::text::bytea || number::text::bytea, '', '::1',"
            " now() - interval '1 day', now() + interval '1 day'"
            " FROM users, generate_series(1, 25) AS number WHERE users.uid = $1",
            uid,
        )
    assert (await log_in(member, authenticator.code(), trust_device="true")).status == 201
    assert len((await member.get(DEVICES)).body) == 20


async def test_it_is_off_by_default(client: Client) -> None:
    uid = (await client.become_member()).body["uid"]
    authenticator = await second_factor_of(client, uid)
    answer = await log_in(client, authenticator.code(), trust_device="true")
    assert answer.status == 201
    assert "_barong_trusted_device" not in str(answer.headers)
    assert refusal(await log_in(client)) == MISSING
