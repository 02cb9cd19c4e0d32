"""The process: it starts with nothing around it, and says so."""

from pathlib import Path

import aiohttp
import pytest

from mailer_svc.app import create_app
from shared.process import running
from shared.settings import SettingsError
from tests.unit.mailer.builders import settings


async def test_it_starts_before_what_it_stands_on() -> None:
    async with running(create_app(settings())) as addresses, aiohttp.ClientSession() as client:
        async with client.get(f"{addresses.internal}/health/live") as answer:
            assert answer.status == 200
        async with client.get(f"{addresses.internal}/health/ready") as answer:
            assert answer.status == 503
            assert (await answer.json())["parts"] == {
                "postgresql": "down",
                "rabbitmq": "down",
                "keys": "down",
            }
        async with client.get(f"{addresses.internal}/metrics") as answer:
            assert "mails_total" in await answer.text()


def test_it_does_not_start_with_broken_templates(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "confirmation.txt.j2").write_text("{{ nobody }}", encoding="utf-8")

    with pytest.raises(SettingsError) as raised:
        create_app(settings(BARONG_MAIL_TEMPLATES_DIR=str(tmp_path)))

    assert raised.value.faults == (
        f"{tmp_path}/en/confirmation.txt.j2, line 1: 'nobody' is undefined",
    )
