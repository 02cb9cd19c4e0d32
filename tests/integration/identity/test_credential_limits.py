"""Attempts at codes and passwords are limited, and the owner elsewhere does not wait."""

from collections.abc import AsyncIterator
from urllib.parse import quote

import aiohttp
import pytest

from shared.clients.identity import IdentityClient
from shared.errors import Invalid, Throttled
from shared.process import running
from tests.support.authenticator import second_factor_of
from tests.support.client import Client
from tests.support.internal import AT_HOME, identity_of, tables_of_identity
from tests.support.slow_motion import FACTOR, pass_by, slow_motion, without
from tests.support.system import PASSWORD, Installation, ready

FREE = 5  # attempts that wait for nothing
NEW = "Kd8-vFq2!mZx04pL"
HERE, ELSEWHERE = "198.18.0.1", "198.18.0.2"


@pytest.fixture(scope="module")
async def limiting(system: Installation) -> AsyncIterator[Installation]:
    """A second identity-svc of the system, which limits attempts, in slow motion."""
    made = system.beside()
    settings = {
        "BARONG_THROTTLING": "true",
        "BARONG_RESOURCE_INTERNAL_URL": system.internal_url("resource"),
    }
    async with running(made.service("identity", **settings)):
        await ready(made, "identity")
        async with slow_motion(system):
            yield made


@pytest.fixture
async def identity(limiting: Installation) -> AsyncIterator[IdentityClient]:
    """Its internal API as resource-svc calls it."""
    async with identity_of(limiting) as made:
        yield made


@pytest.fixture
async def uid(client: Client) -> str:
    """A member's."""
    return str((await client.become_member()).body["uid"])


async def post(
    limiting: Installation, path: str, address: str, **form: str
) -> tuple[int, list[str]]:
    """The status of a call from this address, and its errors."""
    url = f"{limiting.public_url('identity')}/api/v2/identity/{path}"
    headers = {"X-Forwarded-For": address}
    async with aiohttp.ClientSession() as http, http.post(url, data=form, headers=headers) as got:
        body = await got.json() if got.content_type == "application/json" else {}
        assert got.status != 429 or int(got.headers["Retry-After"]) > 0
        return got.status, body.get("errors", [])


async def test_guessing_codes_with_the_password_is_limited_wherever_it_comes_from(
    client: Client, uid: str, limiting: Installation
) -> None:
    authenticator = await second_factor_of(client, uid)

    async def log_in(address: str, code: str) -> tuple[int, list[str]]:
        form = {"email": client.email, "password": PASSWORD, "otp_code": code}
        return await post(limiting, "sessions", address, **form)

    for _ in range(FREE):
        wrong = await log_in(HERE, authenticator.wrong_code())
        assert wrong == (403, ["identity.session.invalid_otp"])
    assert await log_in(HERE, authenticator.wrong_code()) == (429, ["request.throttled"])
    await pass_by(limiting, FACTOR)  # the owner waits for a second, like everybody
    assert await log_in(ELSEWHERE, authenticator.code()) == (201, [])


async def test_asking_for_a_code_is_no_attempt_at_one(
    client: Client, uid: str, limiting: Installation
) -> None:
    authenticator = await second_factor_of(client, uid)
    form = {"email": client.email, "password": PASSWORD}
    for _ in range(FREE + 3):
        answer = await post(limiting, "sessions", HERE, **form)
        assert answer == (401, ["identity.session.missing_otp"])
    code = authenticator.code()
    assert (await post(limiting, "sessions", HERE, **form, otp_code=code))[0] == 201


async def test_other_services_are_told_when_codes_are_guessed(
    client: Client, uid: str, identity: IdentityClient
) -> None:
    authenticator = await second_factor_of(client, uid)
    for _ in range(FREE):
        with pytest.raises(Invalid):
            await identity.verify_code(uid, authenticator.wrong_code(), AT_HOME)
    for call in (
        identity.verify_code(uid, authenticator.code(), AT_HOME),
        identity.disable_second_factor(uid, authenticator.code(), AT_HOME),
    ):
        with pytest.raises(Throttled) as refused:
            await call
        assert without(refused.value.retry_after or 0) == 1


async def test_other_services_are_told_when_passwords_are_guessed(
    uid: str, identity: IdentityClient
) -> None:
    for _ in range(FREE - 1):
        with pytest.raises(Invalid):
            await identity.verify_password(uid, "wrong", AT_HOME)
    await identity.verify_password(uid, PASSWORD, AT_HOME)  # the right one forgives the wrong ones
    for _ in range(FREE):
        with pytest.raises(Invalid):
            await identity.change_password(uid, "wrong", NEW, None, AT_HOME)
    with pytest.raises(Throttled):
        await identity.change_password(uid, PASSWORD, NEW, None, AT_HOME)
    with pytest.raises(Throttled):
        await identity.verify_password(uid, PASSWORD, AT_HOME)


async def test_a_reset_forgives_who_guessed_at_the_old_password(
    client: Client, uid: str, limiting: Installation, system: Installation
) -> None:
    form = {"email": client.email, "password": "forgotten"}
    answers = [await post(limiting, "sessions", HERE, **form) for _ in range(FREE + 1)]
    assert [status for status, _ in answers] == [401] * FREE + [429]
    file = system.mail / f"{quote(client.email, safe='@')}.token"
    file.unlink()
    await post(limiting, "users/password/generate_code", HERE, email=client.email)
    token = await client.mailed_token()
    form = {"reset_password_token": token, "password": NEW, "confirm_password": NEW}
    assert await post(limiting, "users/password/confirm_code", HERE, **form) == (201, [])
    form = {"email": client.email, "password": NEW}
    assert await post(limiting, "sessions", HERE, **form) == (201, [])


@pytest.mark.parametrize("known", [True, False])
async def test_asking_for_reset_mails_is_limited(
    client: Client, uid: str, limiting: Installation, known: bool
) -> None:
    email = client.email if known else f"nobody-{uid}@example.com"
    path = "users/password/generate_code"
    answers = [await post(limiting, path, HERE, email=email) for _ in range(FREE + 1)]
    assert answers == [(201, [])] * FREE + [(429, ["request.throttled"])]
    assert await post(limiting, path, ELSEWHERE, email=email) == (201, [])


@pytest.mark.parametrize("known", [True, False])
async def test_asking_for_log_in_mails_is_limited_per_address(
    client: Client, uid: str, limiting: Installation, known: bool
) -> None:
    form = {"email": client.email if known else "nobody-logs-in@example.com"}
    network = "198.18.77.1" if known else "198.18.77.2"
    asked = [await post(limiting, "sessions/mail/request", network, **form) for _ in range(FREE)]
    assert asked == [(201, [])] * FREE
    refused = (429, ["request.throttled"])
    assert await post(limiting, "sessions/mail/request", network, **form) == refused
    # Another network may still ask, and the account gets one mail a minute, whoever asks.
    assert await post(limiting, "sessions/mail/request", "198.18.77.3", **form) == (201, [])
    async with tables_of_identity(limiting) as tables:
        sent = "SELECT count(*) FROM mails_sent WHERE uid = $1 AND kind = 'log_in'"
        assert await tables.fetchval(sent, uid) == int(known)
