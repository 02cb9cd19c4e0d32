"""Settings of mailer-svc and what is refused in them."""

import pytest

from mailer_svc.settings import Tls
from shared.settings import SettingsError
from tests.unit.mailer.builders import settings


def test_defaults_are_those_of_barong() -> None:
    given = settings()

    assert given.app_name == given.sender_name == "Barong"
    assert given.sender_email == "noreply@barong.io"
    assert (given.smtp_host, given.smtp_port) == ("localhost", 1025)
    assert given.default_language == "en"
    assert given.smtp_tls is Tls.AUTO


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("BARONG_SENDER_EMAIL", "nobody"),
        ("BARONG_SENDER_EMAIL", "a@example.com\nBcc: b@example.com"),
        ("BARONG_SENDER_NAME", "Barong\nBcc: b@example.com"),
        ("BARONG_APP_NAME", "Barong\r"),
        ("BARONG_SMTP_HOST", "mail\nhost"),
        ("BARONG_SMTP_PORT", "0"),
        ("BARONG_SMTP_PORT", "65536"),
        ("BARONG_SMTP_PORT", "smtp"),
        ("BARONG_SMTP_TLS", "ssl"),
        ("BARONG_SERVICE_KEYS", "short"),
    ],
)
def test_faults_name_the_variable(variable: str, value: str) -> None:
    with pytest.raises(SettingsError) as raised:
        settings(**{variable: value})

    [fault] = raised.value.faults
    assert fault.startswith(f"{variable}: ")


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as raised:
        settings(BARONG_SENDER_EMAIL="x", BARONG_SMTP_PORT="x", BARONG_SMTP_TLS="x")

    assert len(raised.value.faults) == 3


@pytest.mark.parametrize(
    ("host", "tls", "allowed"),
    [
        ("mail.example.com", "auto", False),
        ("mail.example.com", "none", False),
        ("10.0.0.1", "none", False),
        ("localhost.example.com", "none", False),
        ("mail.example.com", "starttls", True),
        ("mail.example.com", "tls", True),
        ("localhost", "none", True),
        ("127.0.0.1", "auto", True),
        ("::1", "none", True),
    ],
)
def test_production_wants_tls_outside_the_machine(host: str, tls: str, allowed: bool) -> None:
    variables = {"BARONG_SMTP_HOST": host, "BARONG_SMTP_TLS": tls}
    assert settings(**variables).smtp_host == host

    if allowed:
        assert settings(BARONG_ENV="production", **variables).production
    else:
        with pytest.raises(SettingsError, match="BARONG_SMTP_TLS"):
            settings(BARONG_ENV="production", **variables)
