"""The file that says which operations want a captcha, and the settings that say whose."""

import base64
from pathlib import Path

import pytest

from identity_svc.captcha.configuration import protected_endpoints
from identity_svc.captcha.models import ENDPOINTS
from identity_svc.settings import IdentitySettings
from shared.settings import SettingsError, load_settings

CONFIG_DIR = Path(__file__).parents[3] / "deploy" / "config"
KEY = "test:" + base64.b64encode(b"k" * 32).decode()
ENVIRONMENT = {
    "DATABASE_URL": "postgresql://localhost/x",
    "BARONG_SERVICE_KEYS": KEY,
    "BARONG_MASTER_KEYS": KEY,
}


def test_the_default_guards_everything() -> None:
    assert protected_endpoints(str(CONFIG_DIR)) == ENDPOINTS


@pytest.mark.parametrize("names", ["[]", "[user_create]"])
def test_names(tmp_path: Path, names: str) -> None:
    (tmp_path / "captcha.yaml").write_text(f"protected_endpoints: {names}")
    assert sorted(protected_endpoints(str(tmp_path))) == ([] if names == "[]" else ["user_create"])


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        "protected_endpoints:",
        "protected_endpoints: user_create",
        "protected_endpoints: [1]",
        "protected_endpoints: [user_creat]",
        "protected_endpoints: []\nother: 1",
        "protected_endpoints: [",
    ],
)
def test_faults_are_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "captcha.yaml").write_text(content)
    with pytest.raises(SettingsError, match=r"captcha\.yaml"):
        protected_endpoints(str(tmp_path))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"captcha\.yaml"):
        protected_endpoints(str(tmp_path))


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"BARONG_CAPTCHA": "turnstile"}, "BARONG_CAPTCHA"),
        ({"BARONG_CAPTCHA": "recaptcha"}, "BARONG_RECAPTCHA_SITE_KEY"),
        (
            {"BARONG_CAPTCHA": "recaptcha", "BARONG_RECAPTCHA_SITE_KEY": "x"},
            "BARONG_RECAPTCHA_SECRET_KEY",
        ),
        ({"BARONG_CAPTCHA": "geetest", "BARONG_GEETEST_KEY": "x"}, "BARONG_GEETEST_ID"),
        ({"BARONG_GEETEST_URL": "ftp://example.com"}, "BARONG_GEETEST_URL"),
    ],
)
def test_settings_that_do_not_go_together(settings: dict[str, str], fault: str) -> None:
    with pytest.raises(SettingsError, match=fault):
        load_settings(IdentitySettings, {**ENVIRONMENT, **settings})


def test_no_captcha_needs_no_keys() -> None:
    assert load_settings(IdentitySettings, ENVIRONMENT).captcha == "none"
