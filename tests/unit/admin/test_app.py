"""admin-svc before it runs: its settings, and what it refuses to start with."""

import base64
from pathlib import Path

import aiohttp
import pytest

from admin_svc.app import create_app
from admin_svc.settings import AdminSettings
from shared.process import running
from shared.settings import SettingsError, load_settings

CONFIGURATION = Path(__file__).parents[3] / "deploy" / "config"
PARTS = ("postgresql", "rabbitmq", "keys")


def settings(**variables: str) -> AdminSettings:
    required = {
        "DATABASE_URL": "postgresql://admin@127.0.0.1:1/barong",
        "BARONG_SERVICE_KEYS": f"k1:{base64.b64encode(bytes(32)).decode()}",
        "BARONG_CONFIG_DIR": str(CONFIGURATION),
        "BARONG_IDENTITY_INTERNAL_URL": "http://127.0.0.1:1",
        "AMQP_URL": "amqp://127.0.0.1:1",
        "BARONG_PORT": "0",
        "BARONG_INTERNAL_PORT": "0",
    }
    return load_settings(AdminSettings, required | variables)


def test_permissions_are_seeded_from_the_configuration_folder_unless_said() -> None:
    assert settings().permissions_path == CONFIGURATION / "permissions.yaml"
    assert settings(BARONG_PERMISSIONS_FILE="other.yaml").permissions_path == Path("other.yaml")


async def test_it_runs_without_any_dependency_up_and_says_so() -> None:
    async with running(create_app(settings())) as addresses, aiohttp.ClientSession() as http:
        async with http.get(f"{addresses.internal}/health/live") as answer:
            assert answer.status == 200
        async with http.get(f"{addresses.internal}/health/ready") as answer:
            assert answer.status == 503
            assert (await answer.json())["parts"] == dict.fromkeys(PARTS, "down")
        async with http.get(f"{addresses.public}/api/v2/admin/users") as answer:
            assert answer.status == 401


def test_it_does_not_start_with_bad_levels(tmp_path: Path) -> None:
    (tmp_path / "levels.yaml").write_text("- {key: email}\n- {value: verified}\n")

    with pytest.raises(SettingsError) as raised:
        create_app(settings(BARONG_CONFIG_DIR=str(tmp_path)))
    assert len(raised.value.faults) == 2
