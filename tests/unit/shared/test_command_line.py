"""The command line and the log, each in a process of its own."""

import json
import os
import subprocess
import sys

import pytest

from tests.unit.shared.builders import KEYS

SERVICE = """
import structlog
from shared.command_line import Command, main, migrate_command
from shared.contracts.topology import MAILER
from shared.dead_letter_commands import dead_letter_commands
from shared.errors import Unavailable
from shared.settings import PublicServiceSettings, load_settings

def load():
    return load_settings(PublicServiceSettings)

def log():
    structlog.contextvars.bind_contextvars(request_id="r1")
    structlog.contextvars.clear_contextvars()
    password = "hunter2"
    try:
        {}[len(password)]
    except KeyError:
        structlog.get_logger().exception("failed", uid="ID1")

def unavailable():
    raise Unavailable("postgresql")

main("try_svc", "try-svc", {
    "check": Command("Read the settings.", load),
    "log": Command("Write to the log.", log),
    "migrate": migrate_command(lambda: load().database_url, "x", []),
    "wait": Command("Need something.", unavailable),
    "dead-letters": dead_letter_commands(load, MAILER),
})
"""
ENVIRONMENT = {
    "BARONG_SERVICE_KEYS": KEYS,
    "AMQP_URL": "amqp://u:hunter2@127.0.0.1:1/",
    "DATABASE_URL": "postgresql://u:hunter2@127.0.0.1:1/x",
}


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SERVICE, *arguments],
        env={"PATH": os.defpath, **ENVIRONMENT, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_good_settings_are_no_reason_to_speak() -> None:
    done = run("check")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (
            ["check"],
            {"BARONG_PORT": "x", "DATABASE_URL": "", "BARONG_SERVICE_KEYS": "hunter2"},
            "try-svc cannot start:\n"
            "  BARONG_SERVICE_KEYS: Key 1 is not `id:base64 of 32 bytes` with an id of its own.\n"
            "  DATABASE_URL: Missing data for required field.\n"
            "  BARONG_PORT: Not a valid integer.\n",
        ),
        (["wait"], {}, "try-svc: postgresql does not answer\n"),
        (["dead-letters", "list"], {}, "try-svc: rabbitmq does not answer"),
        (["dead-letters", "replay"], {}, "try-svc: rabbitmq does not answer"),
        (["dead-letters", "drop"], {}, "try-svc: either --event says which, or --everything"),
        (["dead-letters", "list", "--queue", "x"], {}, "try-svc: x is none of mailer-svc"),
        (["migrate"], {}, "try-svc cannot be migrated: "),
        (["migrate", "--wait", "0"], {}, "try-svc: postgresql does not answer"),
        (["migrate", "--wait", "5m"], {}, "try-svc: --wait takes a number of seconds, not '5m'\n"),
        (
            ["migrate"],
            {"DATABASE_URL": "postgres://u:hunter2@[x/y"},
            "try-svc cannot start:\n  DATABASE_URL: Not a postgresql:// address.\n",
        ),
        (
            ["migrate"],
            {"DATABASE_URL": "postgres://u:%hunter2@127.0.0.1:1/x"},
            "try-svc cannot be migrated: ",
        ),
    ],
)
def test_what_is_wrong_is_said_without_a_traceback_or_a_secret(
    arguments: list[str], environment: dict[str, str], said: str
) -> None:
    done = run(*arguments, **environment)

    assert done.returncode == 1
    assert done.stderr.startswith(said)
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stdout + done.stderr


@pytest.mark.parametrize("arguments", [[], ["fly"], ["check", "more"]])
def test_an_unknown_command_shows_those_that_there_are(arguments: list[str]) -> None:
    done = run(*arguments)

    assert done.returncode == 2
    assert "{check,log,migrate,wait,dead-letters}" in done.stderr


def test_a_group_of_commands_shows_those_that_it_has() -> None:
    done = run("dead-letters")

    assert done.returncode == 2
    assert "{list,show,replay,drop}" in done.stderr


def test_a_line_of_the_log_is_json_with_its_service_and_without_local_variables() -> None:
    done = run("log", BARONG_ENV="production")

    line = json.loads(done.stdout)
    assert (line["service"], line["event"], line["uid"], line["level"]) == (
        *("try-svc", "failed", "ID1", "error"),
    )
    assert "KeyError: 7" in line["exception"]
    assert line["timestamp"].endswith("Z")
    assert "request_id" not in line
    assert "hunter2" not in done.stdout + done.stderr


def test_in_development_the_log_shows_no_local_variables_either() -> None:
    done = run("log")

    assert "KeyError: 7" in done.stdout
    assert "try-svc" in done.stdout
    assert "hunter2" not in done.stdout.replace('password = "hunter2"', "")
