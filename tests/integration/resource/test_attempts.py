"""Guesses at passwords count for their network; guesses at codes for the account, too."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Any

import pytest

from shared.process import running
from tests.support.authenticator import forget_used_codes, second_factor_of
from tests.support.client import Answer, Client
from tests.support.own_service import client_of
from tests.support.system import PASSWORD, Installation, ready

FREE = 5  # attempts that wait for nothing
NEW = "Kd8-vFq2!mZx04pL"
HERE, ELSEWHERE = {"X-Forwarded-For": "198.18.7.1"}, {"X-Forwarded-For": "198.18.7.2"}
THROTTLED = (429, ["request.throttled"])


@pytest.fixture(scope="module")
async def limiting(system: Installation) -> AsyncIterator[Installation]:
    """The system, but with an identity-svc behind resource-svc that limits attempts."""
    beside = system.beside()
    settings = {
        "BARONG_THROTTLING": "true",
        "BARONG_RESOURCE_INTERNAL_URL": system.internal_url("resource"),
    }
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(running(beside.service("identity", **settings)))
        await ready(beside, "identity")
        url = {"BARONG_IDENTITY_INTERNAL_URL": beside.internal_url("identity")}
        client = await stack.enter_async_context(client_of(system, "resource", **url))
        yield client.system


@pytest.fixture
async def member(limiting: Installation) -> AsyncIterator[Client]:
    """A member."""
    async with Client(limiting) as made:
        await made.become_member()
        yield made


async def log_in(client: Client, headers: Mapping[str, str], **form: str) -> None:
    form = {"email": client.email, "password": PASSWORD, **form}
    assert (await client.post("identity/sessions", form, headers=headers)).status == 201


async def change_password(client: Client, headers: Mapping[str, str], old: str) -> Answer:
    form = {"old_password": old, "new_password": NEW, "confirm_password": NEW}
    return await client.call("PUT", "resource/users/password", form, headers=headers)


async def delete_account(client: Client, headers: Mapping[str, str], password: str) -> Answer:
    query = {"password": password}
    return await client.call("DELETE", "resource/users/me", params=query, headers=headers)


async def test_guesses_at_a_password(member: Client) -> None:
    await log_in(member, HERE)
    answers = [await change_password(member, HERE, "wrong") for _ in range(FREE - 1)]
    answers.append(await delete_account(member, HERE, "wrong"))
    assert [answer.status for answer in answers] == [400] * (FREE - 1) + [422]
    for answer in (
        await change_password(member, HERE, PASSWORD),
        await delete_account(member, HERE, PASSWORD),
    ):
        assert (answer.status, answer.errors) == THROTTLED
        assert int(answer.headers["Retry-After"]) > 0

    await log_in(member, ELSEWHERE)
    assert (await change_password(member, ELSEWHERE, PASSWORD)).status == 201


async def test_guesses_at_a_code(member: Client) -> None:
    uid = (await member.get("resource/users/me")).body["uid"]
    authenticator = await second_factor_of(member, uid)

    async def give(operation: str, code: str, headers: Mapping[str, str]) -> Answer:
        form: dict[str, Any] = {"code": code, "totp_code": code, "algorithm": "HS256"}
        return await member.post(f"resource/{operation}", form, headers=headers)

    await log_in(member, HERE, otp_code=authenticator.code())
    await forget_used_codes(member, uid)
    wrong = authenticator.wrong_code()
    operations = ("otp/verify", "otp/disable", "api_keys", "otp/verify", "api_keys")
    answers = [await give(operation, wrong, HERE) for operation in operations]
    assert [answer.status for answer in answers] == [422] * FREE
    for operation in ("otp/verify", "otp/disable", "api_keys"):
        answer = await give(operation, authenticator.code(), HERE)
        assert (answer.status, answer.errors) == THROTTLED

    # Another network brings no more tries; log-in has tries of its own.
    await log_in(member, ELSEWHERE, otp_code=authenticator.code())
    await forget_used_codes(member, uid)
    answer = await give("otp/verify", authenticator.code(), ELSEWHERE)
    assert (answer.status, answer.errors) == THROTTLED
