"""Settings: what is read, what is refused, and what is never told."""

import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import fields
from yarl import URL

from shared.settings import (
    PublicServiceSettings,
    ServiceSettings,
    SettingsError,
    load_settings,
    positive,
    setting,
)
from tests.unit.shared.builders import KEYS

ENVIRONMENT = {"BARONG_SERVICE_KEYS": KEYS, "DATABASE_URL": "postgresql://u:p@localhost/barong"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds(ServiceSettings):
    """Two settings that depend on each other, and one that is required."""

    name: str = setting("NAME", fields.String(), "A name.")
    lowest: int = setting("LOWEST", positive(), "The lowest.", 1)
    highest: int = setting("HIGHEST", positive(), "The highest.", 2)

    def conflicts(self) -> Iterable[str]:
        yield from super(Bounds, self).conflicts()
        if self.lowest > self.highest:
            yield "LOWEST: exceeds HIGHEST."
        if self.name == "nobody":
            yield "NAME: is nobody."


def settings(**variables: str) -> PublicServiceSettings:
    return load_settings(PublicServiceSettings, ENVIRONMENT | variables)


def faults(declaration: type[object], **variables: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as raised:
        load_settings(declaration, variables)
    return raised.value.faults


def test_every_fault_is_told_at_once_in_the_order_of_the_settings() -> None:
    told = faults(
        PublicServiceSettings,
        BARONG_PORT="70000",
        BARONG_ENV="staging",
        BARONG_SERVICE_KEYS="short",
        BARONG_TRUSTED_PROXIES="10.0.0.1/8",
        BARONG_SHUTDOWN_SECONDS="0",
        AMQP_URL="localhost",
        BARONG_IDENTITY_INTERNAL_URL="ftp://identity",
    )

    assert [line.partition(":")[0] for line in told] == [
        "BARONG_ENV",
        "BARONG_SHUTDOWN_SECONDS",
        "AMQP_URL",
        "BARONG_SERVICE_KEYS",
        "BARONG_IDENTITY_INTERNAL_URL",
        "DATABASE_URL",
        "BARONG_PORT",
        "BARONG_TRUSTED_PROXIES",
    ]


def test_every_conflict_is_told_at_once() -> None:
    told = faults(Bounds, BARONG_SERVICE_KEYS=KEYS, NAME="nobody", LOWEST="3")

    assert told == ("LOWEST: exceeds HIGHEST.", "NAME: is nobody.")


@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
def test_blank_is_absent(blank: str) -> None:
    assert settings(BARONG_PORT=blank, BARONG_ENV=blank, AMQP_URL=blank) == settings()
    assert faults(Bounds, BARONG_SERVICE_KEYS=KEYS, NAME=blank) == faults(
        Bounds, BARONG_SERVICE_KEYS=KEYS
    )


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("BARONG_PORT", "-1"),
        ("BARONG_PORT", "65536"),
        ("BARONG_PORT", "http"),
        ("BARONG_PORT", "1.5"),
        ("BARONG_SHUTDOWN_SECONDS", "301"),
        ("DATABASE_URL", "mysql://u:hunter2@localhost/x"),
        ("DATABASE_URL", "u:hunter2@localhost/x"),
        ("DATABASE_URL", "postgresql://u:hunter2@[localhost/x"),
        ("DATABASE_URL", "postgresql://u:hunter2\u2100@localhost/x"),
        ("AMQP_URL", "http://u:hunter2@localhost/"),
        ("AMQP_URL", "amqp://u:hun ter2@localhost/"),
        ("BARONG_SERVICE_KEYS", "hunter2"),
        ("BARONG_SERVICE_KEYS", "a:hunter2"),
        ("BARONG_SERVICE_KEYS", KEYS + "," + KEYS),
        ("BARONG_SERVICE_KEYS", KEYS + ","),
        ("BARONG_TRUSTED_PROXIES", "proxy"),
        ("BARONG_TRUSTED_PROXIES", "10.0.0.0/33"),
    ],
)
def test_a_fault_names_the_variable_and_keeps_the_secret(variable: str, value: str) -> None:
    with pytest.raises(SettingsError) as raised:
        settings(**{variable: value})

    [fault] = raised.value.faults
    assert fault.startswith(f"{variable}: ")
    shown = "".join(traceback.format_exception(raised.value)) + repr(raised.value)
    assert "hunter2" not in shown
    assert "ter2@" not in shown
    assert KEYS.partition(":")[2][:20] not in shown


def test_no_secret_shows_when_settings_are_printed() -> None:
    given = settings(
        AMQP_URL="amqp://u:hunter2@localhost/",
        DATABASE_URL="postgresql://u:hunter2@localhost/x",
        BARONG_EVENT_API_RABBITMQ_PASSWORD="hunter2",
    )

    assert "hunter2" in given.amqp_url
    assert "hunter2" not in f"{given!r} {given}"
    assert KEYS.partition(":")[2][:20] not in f"{given!r} {given}"


def test_amqp_url_wins() -> None:
    url = "amqp://a:b@host:1/vhost"

    assert settings(AMQP_URL=url, BARONG_EVENT_API_RABBITMQ_HOST="other").broker_url == url


@given(
    user=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip),
    password=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip),
    host=st.sampled_from(["localhost", "10.0.0.1", "::1", "rabbit.example.com"]),
)
def test_the_broker_url_means_what_was_set(user: str, password: str, host: str) -> None:
    given = settings(
        BARONG_EVENT_API_RABBITMQ_USERNAME=user,
        BARONG_EVENT_API_RABBITMQ_PASSWORD=password,
        BARONG_EVENT_API_RABBITMQ_HOST=host,
        BARONG_EVENT_API_RABBITMQ_PORT="5673",
    )

    url = URL(given.broker_url)
    assert (url.scheme, url.user, url.password, url.host, url.port, url.path) == (
        *("amqp", user, password, host, 5673),
        "/",
    )


def test_a_trusted_proxy_list_may_have_spaces() -> None:
    given = settings(BARONG_TRUSTED_PROXIES=" 10.0.0.0/8 , ::1/128, 192.0.2.1 ")

    assert [str(network) for network in given.trusted_proxies] == [
        *("10.0.0.0/8", "::1/128", "192.0.2.1/32")
    ]


def test_every_setting_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "dsn").write_text("postgresql://u:p@db/barong\n")
    (tmp_path / "amqp").write_text("amqp://u:p@rabbit/\r\n")
    (tmp_path / "keys").write_text(KEYS)
    read = load_settings(
        PublicServiceSettings,
        {
            "DATABASE_URL_FILE": str(tmp_path / "dsn"),
            "AMQP_URL_FILE": str(tmp_path / "amqp"),
            "BARONG_SERVICE_KEYS_FILE": str(tmp_path / "keys"),
        },
    )
    assert read.database_url == "postgresql://u:p@db/barong"
    assert read.broker_url == "amqp://u:p@rabbit/"


def test_a_file_is_not_given_beside_its_value_and_has_to_be_there(tmp_path: Path) -> None:
    (tmp_path / "blank").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "large").write_text("x" * 70_000)
    told = faults(
        PublicServiceSettings,
        BARONG_SERVICE_KEYS=KEYS,
        BARONG_SERVICE_KEYS_FILE=str(tmp_path / "blank"),
        DATABASE_URL_FILE=str(tmp_path / "nowhere"),
        AMQP_URL_FILE=str(tmp_path / "blank"),
        BARONG_HOST_FILE=str(tmp_path / "binary"),
        BARONG_JWT_ISSUER_FILE=str(tmp_path / "large"),
    )
    assert sorted(told) == [
        f"AMQP_URL_FILE: {tmp_path}/blank: Blank.",
        f"BARONG_HOST_FILE: {tmp_path}/binary: Not text in UTF-8.",
        f"BARONG_JWT_ISSUER_FILE: {tmp_path}/large: More than 65536 bytes.",
        "BARONG_SERVICE_KEYS: Given together with BARONG_SERVICE_KEYS_FILE.",
        f"DATABASE_URL_FILE: {tmp_path}/nowhere: No such file or directory.",
    ]


def test_a_fault_in_a_file_does_not_repeat_it(tmp_path: Path) -> None:
    (tmp_path / "dsn").write_text("mysql://u:secret@db/barong")
    told = faults(
        PublicServiceSettings,
        BARONG_SERVICE_KEYS=KEYS,
        DATABASE_URL_FILE=str(tmp_path / "dsn"),
    )
    assert told == ("DATABASE_URL: Not a postgresql:// address.",)
