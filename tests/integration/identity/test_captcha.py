"""Captchas guard sign-up, log-in and mails, and a provider that is down opens no door."""

import dataclasses
import json
import secrets
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.support.captcha_stand_in import (
    GEETEST_ID,
    GEETEST_KEY,
    SECRET_KEY,
    CaptchaStandIn,
    captcha_stand_in,
    md5,
)
from tests.support.client import Answer, Client
from tests.support.own_service import client_of, installation_with
from tests.support.system import PASSWORD, Installation

SIGN_UP, LOG_IN = "identity/users", "identity/sessions"
BY_PROVIDER = "identity/sessions/provider/request"
LOG_IN_MAIL = "identity/sessions/mail/request"
CONFIRMATION = "identity/users/email/generate_code"
RESET = "identity/users/password/generate_code"
REGISTER = "identity/users/register_geetest"

# What each operation answers to whom its captcha lets pass.
GUARDED = {
    SIGN_UP: 201,
    LOG_IN: 401,
    LOG_IN_MAIL: 201,
    BY_PROVIDER: 404,
    CONFIRMATION: 201,
    RESET: 201,
}

BROKEN = ["error", "redirect", "text", "list", "empty"]


@pytest.fixture(scope="module")
async def stand_in() -> AsyncIterator[CaptchaStandIn]:
    async with captcha_stand_in() as made:
        yield made


@pytest.fixture
def provider(stand_in: CaptchaStandIn) -> CaptchaStandIn:
    stand_in.start_anew()
    return stand_in


@pytest.fixture(scope="module")
async def with_recaptcha(
    system: Installation, stand_in: CaptchaStandIn
) -> AsyncIterator[Installation]:
    async with installation_with(system, "identity", **recaptcha_settings(stand_in)) as made:
        yield made


@pytest.fixture
async def recaptcha(
    with_recaptcha: Installation, provider: CaptchaStandIn
) -> AsyncIterator[Client]:
    """A client of an installation that uses reCAPTCHA."""
    async with Client(with_recaptcha) as made:
        yield made


@pytest.fixture(scope="module")
async def with_geetest(
    system: Installation, stand_in: CaptchaStandIn
) -> AsyncIterator[Installation]:
    async with installation_with(system, "identity", **geetest_settings(stand_in)) as made:
        yield made


@pytest.fixture
async def geetest(with_geetest: Installation, provider: CaptchaStandIn) -> AsyncIterator[Client]:
    """A client of an installation that uses GeeTest."""
    async with Client(with_geetest) as made:
        yield made


def recaptcha_settings(provider: CaptchaStandIn) -> dict[str, str]:
    return {
        "BARONG_CAPTCHA": "recaptcha",
        "BARONG_RECAPTCHA_URL": provider.url,
        "BARONG_RECAPTCHA_SITE_KEY": "the-site-key",
        "BARONG_RECAPTCHA_SECRET_KEY": SECRET_KEY,
    }


def geetest_settings(provider: CaptchaStandIn) -> dict[str, str]:
    return {
        "BARONG_CAPTCHA": "geetest",
        "BARONG_GEETEST_URL": provider.url,
        "BARONG_GEETEST_ID": GEETEST_ID,
        "BARONG_GEETEST_KEY": GEETEST_KEY,
    }


async def ask(client: Client, path: str, response: object = None) -> Answer:
    """Calls a guarded operation without a session; `response` is the widget's."""
    body: dict[str, Any] = {
        "email": f"{secrets.token_hex(6)}@example.com",
        "password": PASSWORD,
        "captcha_response": response,
    }
    return await client.post(path, json=body)


async def registered(client: Client) -> str:
    """The challenge of a new GeeTest captcha."""
    answer = await client.get(REGISTER)
    assert answer.status == 200
    return str(answer.body["challenge"])


@pytest.mark.parametrize(("path", "status"), GUARDED.items())
async def test_recaptcha_guards(
    recaptcha: Client, provider: CaptchaStandIn, path: str, status: int
) -> None:
    blanks: list[object] = [None, "", " ", {}]
    for blank in blanks:
        answer = await ask(recaptcha, path, blank)
        assert (answer.status, answer.errors) == (400, ["identity.captcha.required"])
    assert provider.asked == 0
    for unsolved in ("junk", {"geetest_challenge": "x"}):
        answer = await ask(recaptcha, path, unsolved)
        assert (answer.status, answer.errors) == (422, ["identity.captcha.verification_failed"])
    assert (await ask(recaptcha, path, provider.token())).status == status


async def test_a_recaptcha_token_works_once(recaptcha: Client, provider: CaptchaStandIn) -> None:
    token = provider.token()
    assert (await ask(recaptcha, SIGN_UP, token)).status == 201
    again = await ask(recaptcha, SIGN_UP, token)
    assert (again.status, again.errors) == (422, ["identity.captcha.verification_failed"])


async def test_a_form_is_as_good_as_json(recaptcha: Client, provider: CaptchaStandIn) -> None:
    assert (await recaptcha.sign_up(captcha_response=provider.token())).status == 201


async def test_parameters_are_looked_at_before_the_captcha(recaptcha: Client) -> None:
    answer = await recaptcha.post(SIGN_UP, {"email": "a@example.com"})
    assert answer.errors == ["identity.user.missing_password", "identity.user.empty_password"]


@pytest.mark.parametrize("broken", BROKEN)
async def test_a_broken_recaptcha_lets_nobody_pass(
    recaptcha: Client, provider: CaptchaStandIn, broken: str
) -> None:
    provider.broken = broken
    await assert_unavailable(recaptcha, provider.token())


async def test_a_slow_recaptcha_is_not_waited_for(
    recaptcha: Client, provider: CaptchaStandIn
) -> None:
    provider.broken = "slow"
    await assert_unavailable(recaptcha, provider.token())


async def test_a_recaptcha_that_does_not_know_us_lets_nobody_pass(
    recaptcha: Client, provider: CaptchaStandIn
) -> None:
    provider.secret_key = "another"
    await assert_unavailable(recaptcha, provider.token())


async def test_a_provider_that_is_down_lets_nobody_pass(
    system: Installation, provider: CaptchaStandIn
) -> None:
    away = dataclasses.replace(provider, url="http://127.0.0.1:1")
    async with client_of(system, "identity", **recaptcha_settings(away)) as client:
        await assert_unavailable(client, provider.token())
    async with client_of(system, "identity", **geetest_settings(away)) as client:
        await assert_unavailable(client, provider.parts("c" * 32))
        assert (await client.get(REGISTER)).status == 503


async def assert_unavailable(client: Client, response: object) -> None:
    """Sign-up is refused, and the answer says that trying again may help."""
    answer = await ask(client, SIGN_UP, response)
    assert (answer.status, answer.errors) == (503, ["server.unavailable"])
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize(("path", "status"), GUARDED.items())
async def test_geetest_guards(
    geetest: Client, provider: CaptchaStandIn, path: str, status: int
) -> None:
    answer = await ask(geetest, path)
    assert (answer.status, answer.errors) == (400, ["identity.captcha.required"])
    parts = provider.parts(await registered(geetest))
    assert (await ask(geetest, path, parts)).status == status
    again = await ask(geetest, path, parts)
    assert (again.status, again.errors) == (422, ["identity.captcha.verification_failed"])


async def test_geetest_takes_json_text_in_a_form(geetest: Client, provider: CaptchaStandIn) -> None:
    parts = provider.parts(await registered(geetest))
    assert (await geetest.sign_up(captcha_response=json.dumps(parts))).status == 201


async def test_geetest_registers_a_captcha(geetest: Client) -> None:
    body = (await geetest.get(REGISTER)).body
    assert len(body.pop("challenge")) == 32
    assert body == {"success": 1, "gt": GEETEST_ID, "new_captcha": True}


@pytest.mark.parametrize(
    "response",
    [
        "junk",
        "[1]",
        "null",
        '{"geetest_challenge": "x"}',
        {"geetest_challenge": "x", "geetest_validate": "y"},
        {"geetest_challenge": "x", "geetest_validate": "y", "geetest_seccode": ""},
        {"geetest_challenge": "x", "geetest_validate": "y", "geetest_seccode": 1},
        {"geetest_challenge": "x", "geetest_validate": "y", "geetest_seccode": "z" * 600},
        {"geetest_challenge": ["x"], "geetest_validate": "y", "geetest_seccode": "z"},
    ],
)
async def test_geetest_wants_all_parts(
    geetest: Client, provider: CaptchaStandIn, response: object
) -> None:
    answer = await ask(geetest, SIGN_UP, response)
    assert (answer.status, answer.errors) == (400, ["identity.captcha.mandatory_fields"])
    assert provider.asked == 0


async def test_geetest_is_asked_only_about_what_our_key_confirms(
    geetest: Client, provider: CaptchaStandIn
) -> None:
    challenge = "c" * 32
    forged = provider.parts(challenge, key="another")
    offline = forged | {"geetest_validate": md5(challenge)}  # GeeTest's way when it is down
    odd = forged | {"geetest_validate": "é"}
    for parts in (forged, offline, odd):
        answer = await ask(geetest, SIGN_UP, parts)
        assert (answer.status, answer.errors) == (422, ["identity.captcha.verification_failed"])
    assert provider.asked == 0


@pytest.mark.parametrize("broken", BROKEN)
async def test_a_broken_geetest_lets_nobody_pass(
    geetest: Client, provider: CaptchaStandIn, broken: str
) -> None:
    provider.broken = broken
    await assert_unavailable(geetest, provider.parts("c" * 32))
    answer = await geetest.get(REGISTER)
    assert (answer.status, answer.errors) == (503, ["server.unavailable"])


async def test_a_geetest_that_does_not_know_us_registers_nothing(
    geetest: Client, provider: CaptchaStandIn
) -> None:
    provider.geetest_id = "another"
    assert (await geetest.get(REGISTER)).status == 503


async def test_without_geetest_there_is_nothing_to_register(client: Client) -> None:
    answer = await client.get(REGISTER)
    assert (answer.status, answer.errors) == (404, ["identity.captcha.geetest_not_configured"])


async def test_the_configuration_says_what_is_guarded(
    system: Installation, provider: CaptchaStandIn, tmp_path: Path
) -> None:
    original = system.environments["identity"]["BARONG_CONFIG_DIR"]
    shutil.copytree(original, tmp_path, dirs_exist_ok=True)
    (tmp_path / "captcha.yaml").write_text("protected_endpoints: [session_create]")
    settings = {**recaptcha_settings(provider), "BARONG_CONFIG_DIR": str(tmp_path)}
    async with client_of(system, "identity", **settings) as client:
        assert (await client.sign_up()).status == 201
        assert (await ask(client, LOG_IN)).status == 400


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (LOG_IN, "identity.session.invalid_captcha_format"),
        (SIGN_UP, "invalid"),
        (CONFIRMATION, "invalid"),
        (RESET, "invalid"),
    ],
)
@pytest.mark.parametrize("response", [[1], 5, True, "x" * 9000])
async def test_a_captcha_response_is_text_or_an_object(
    client: Client, path: str, code: str, response: object
) -> None:
    answer = await ask(client, path, response)
    assert (answer.status, answer.errors) == (422, [code])


async def test_a_form_with_an_array_is_refused(client: Client) -> None:
    form = {"email": "a@example.com", "password": "x", "captcha_response[]": "y"}
    answer = await client.post(LOG_IN, form)
    assert answer.errors == ["identity.session.invalid_captcha_format"]


def test_operators_are_warned_that_pages_have_no_widget(
    system: Installation, stand_in: CaptchaStandIn
) -> None:
    for settings, expected in (
        (geetest_settings(stand_in), ["BARONG_CAPTCHA"]),
        (recaptcha_settings(stand_in), []),
    ):
        with capture_logs() as logged:
            system.service("identity", **settings)
        warned = [each for each in logged if each["event"] == "pages_have_no_captcha"]
        assert [each["setting"] for each in warned] == expected
