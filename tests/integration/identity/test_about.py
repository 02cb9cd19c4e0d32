"""What anybody may ask, without any credentials."""

import time

import aiohttp
import pytest

from shared.process import running
from shared.version import VERSION
from tests.support.client import Client
from tests.support.system import Installation


async def test_configs(client: Client) -> None:
    answer = await client.get("identity/configs")
    assert answer.status == 200
    assert answer.body == {
        "session_expire_time": 1800,
        "captcha_type": "none",
        "phone_verification_type": "mock",
        "password_min_entropy": 20,
        "password_regexp": r"^(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9]).{8,80}$",
        "mail_log_in": True,
    }


async def test_configs_follow_the_settings(system: Installation) -> None:
    body = await told_by_another(
        system,
        "configs",
        BARONG_SESSION_EXPIRE_TIME="60",
        BARONG_CAPTCHA="recaptcha",
        BARONG_RECAPTCHA_SITE_KEY="the-site-key",
        BARONG_RECAPTCHA_SECRET_KEY="the-secret-key",
        BARONG_PHONE_VERIFICATION="twilio_sms",
        BARONG_PASSWORD_MIN_ENTROPY="14.5",
        BARONG_PASSWORD_REGEXP="^.{8,}$",
        BARONG_TRUSTED_DEVICE_DAYS="30",
    )
    assert body == {
        "session_expire_time": 60,
        "captcha_type": "recaptcha",
        "captcha_id": "the-site-key",
        "phone_verification_type": "twilio_sms",
        "password_min_entropy": 14.5,
        "password_regexp": "^.{8,}$",
        "trusted_device_days": 30,
        "mail_log_in": True,
    }


async def test_the_version_of_a_build(system: Installation) -> None:
    body = await told_by_another(
        system,
        "version",
        BARONG_GIT_TAG="v3.1.4",
        BARONG_GIT_SHA="ad69add",
        BARONG_BUILD_DATE="2026-11-22T10:10:03+00:00",
    )
    assert body == {
        "git_tag": "v3.1.4",
        "git_sha": "ad69add",
        "build_date": "2026-11-22T10:10:03+00:00",
        "version": "3.1.4",
    }


async def test_the_version_without_a_build(client: Client) -> None:
    answer = await client.get("identity/version")
    assert answer.status == 200
    assert answer.body == {
        "git_tag": VERSION,
        "git_sha": None,
        "build_date": None,
        "version": VERSION,
    }


async def test_time(client: Client) -> None:
    answer = await client.get("identity/time")
    assert answer.status == 200
    assert abs(answer.body.pop("time") - time.time()) < 5
    assert answer.body == {}


async def test_ping(client: Client) -> None:
    answer = await client.get("identity/ping")
    assert (answer.status, answer.body) == (200, {"ping": "pong"})


@pytest.mark.parametrize("path", ["configs", "version", "time", "ping"])
async def test_a_bad_bearer_does_no_harm(client: Client, path: str) -> None:
    answer = await client.get(f"identity/{path}", headers={"Authorization": "Bearer junk"})
    assert answer.status == 200


async def told_by_another(system: Installation, path: str, **settings: str) -> object:
    """What an identity-svc with these settings says of itself."""
    other = system.service("identity", BARONG_PORT="0", BARONG_INTERNAL_PORT="0", **settings)
    async with (
        running(other) as addresses,
        aiohttp.ClientSession(addresses.public) as http,
        http.get(f"/api/v2/identity/{path}") as got,
    ):
        assert got.status == 200
        return await got.json()
