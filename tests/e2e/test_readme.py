"""What newcomers are promised: `make run`, the session to copy, and the quick start of OAuth."""

import asyncio
import html
import json
import os
import re
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from deploy.local import ports
from shared.version import VERSION
from tests.interop.oauth.browser import Browser
from tests.interop.programs import GO_SETTINGS
from tests.interop.servers import running
from tests.support.client import Client
from tests.support.local_stack import LocalStack, git
from tests.support.pages import Pages
from tests.support.system import ROOT, Installation

pytestmark = pytest.mark.xdist_group("machine")

QUICK_START = re.compile(r"<!-- quick start -->\n```sh\n(.*?)```\n<!-- /quick start -->", re.DOTALL)
SESSION = re.compile(r"<!-- session -->\n```sh\n(.*?)```\n<!-- /session -->", re.DOTALL)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """`make run` in a copy of this folder, which uses this folder's environment."""
    folder = tmp_path_factory.mktemp("newcomer") / "barong"
    with LocalStack.started(folder, ports.free_ports(1)[0]) as stack:
        yield stack


def test_the_session_runs_as_written(stack: LocalStack) -> None:
    match = SESSION.search((ROOT / "README.md").read_text())
    assert match is not None
    done = subprocess.run(
        ["sh", "-eu", "-c", match[1]],
        cwd=stack.folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    signed_up, confirmed, logged_in, me = map(json.loads, done.stdout.splitlines())
    assert (signed_up["state"], signed_up["level"]) == ("pending", 0)
    assert (confirmed["state"], confirmed["level"]) == ("active", 1)
    assert logged_in["csrf_token"]
    assert {**me, "csrf_token": logged_in["csrf_token"]} == logged_in


async def test_the_quick_start_of_oauth_runs_as_written(stack: LocalStack, tmp_path: Path) -> None:
    if shutil.which("go") is None:
        pytest.skip("There is no go on this machine.")
    match = QUICK_START.search((ROOT / "docs" / "consumers" / "oauth.md").read_text())
    assert match is not None
    [port] = ports.free_ports(1)
    commands, serve = match[1].rsplit("\n\n", 1)
    build = next(each for each in commands.split("\n\n") if "go install" in each)
    built = await asyncio.to_thread(_sh, build, stack.folder)
    if built.returncode != 0:
        pytest.skip(f"go cannot fetch its packages: {built.stderr.strip()[-200:]}")
    made = await asyncio.to_thread(_sh, commands, stack.folder)
    assert made.returncode == 0, made.stderr
    start = f"cd {stack.folder}; . .local/stack.env\nexec {serve}"
    command = ["env", f"PORT={port}", "sh", "-euc", start]
    async with running(command, tmp_path, port, {}) as url:
        gateway = Installation({"gateway": stack.gateway_port}, {}, {}, stack.folder)
        visitor = Client(gateway)
        visitor.email = stack.facts["SUPERADMIN_EMAIL"]
        async with Browser(visitor, stack.facts["SUPERADMIN_PASSWORD"]) as browser:
            shown = await browser.open(url)
    assert (shown.status, shown.html) == (200, "<h1>Only for members</h1>\n")


def _sh(commands: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["sh", "-eu", "-c", commands],
        cwd=folder,
        env={**os.environ, **GO_SETTINGS},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_it_shows_the_session_and_the_superadmin(stack: LocalStack) -> None:
    match = SESSION.search((ROOT / "README.md").read_text())
    assert match is not None
    shown = stack.shown()
    assert stack.facts["GATEWAY_URL"] in shown
    assert stack.facts["SUPERADMIN_PASSWORD"] in shown
    assert "confirm_code" in shown


async def test_it_tells_the_addresses_of_the_pages(stack: LocalStack) -> None:
    """Which open, each for whom it is named."""
    told = re.search(r"^pages: (\S+), and (\S+) for staff$", stack.shown(), re.MULTILINE)
    assert told is not None
    assert told[0].count(stack.facts["GATEWAY_URL"]) == 2
    async with Pages(_installation(stack)) as visitor:
        for address in told.groups():
            shown = await visitor.get(address)
            assert (shown.status, shown.url.path) == (200, "/account/log-in")
        email, password = (stack.facts[f"SUPERADMIN_{each}"] for each in ("EMAIL", "PASSWORD"))
        await visitor.log_in(email, password)
        for address in told.groups():
            shown = await visitor.get(address)
            assert (shown.status, str(shown.url)) == (200, address)


async def test_the_link_of_a_mail_is_followed_as_it_stands(stack: LocalStack) -> None:
    """Whole, with its host: as somebody does who clicks on it."""
    async with Pages(_installation(stack)) as visitor:
        await visitor.sign_up()
        await visitor.mailed_token()
        file = _installation(stack).mail / f"{visitor.email}.eml"
        mail = message_from_bytes(file.read_bytes(), policy=policy.default)
        for kind in ("plain", "html"):
            body = mail.get_body((kind,))
            assert body is not None
            links = set(
                re.findall(r"https?://[^\s\"<>]+confirmation_token=[^\s\"<>]+", body.get_content())
            )
            (link,) = links
            shown = await visitor.get(html.unescape(link))
            assert (shown.status, shown.url.path) == (200, "/accounts/confirmation")
            assert "Press the button to confirm your e-mail address." in shown.text
        confirmed = await visitor.send(shown, "/accounts/confirmation", {})
        assert "Your address is confirmed." in confirmed.text


def _installation(stack: LocalStack) -> Installation:
    return Installation({"gateway": stack.gateway_port}, {}, {}, stack.folder / ".local" / "mail")


def test_it_tells_the_commit_of_the_clone(stack: LocalStack) -> None:
    with urllib.request.urlopen(f"{stack.facts['GATEWAY_URL']}/identity/version") as answer:
        told = json.load(answer)
    assert told["git_sha"] == git(stack.folder, "rev-parse", "HEAD")
    assert told["version"] == VERSION


def test_the_facts_are_for_scripts(stack: LocalStack) -> None:
    wanted = {"GATEWAY_URL", "AMQP_URL", "DATABASE_URL", "SUPERADMIN_EMAIL", "SUPERADMIN_PASSWORD"}
    assert wanted <= set(stack.facts)
    assert (stack.folder / ".local" / "stack.env").stat().st_mode & 0o077 == 0


def test_a_second_start_says_that_there_is_a_first(stack: LocalStack) -> None:
    second = stack.run_again()
    assert second.returncode == 1
    assert "running" in second.stdout + second.stderr


def test_ctrl_c_stops_everything_and_keeps_the_data(stack: LocalStack) -> None:
    stack.stop(signal.SIGINT)
    assert stack.process.returncode == 0
    assert not (stack.folder / ".local" / "stack.env").exists()
    assert stack.leftovers() == []
    stack.start()
    try:
        again = subprocess.run(
            [
                "curl",
                "-sS",
                f"{stack.facts['GATEWAY_URL']}/identity/sessions",
                "-d",
                "email=alice@example.com",
                "-d",
                "password=Tr4vel-by-night-train",
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        assert json.loads(again.stdout)["email"] == "alice@example.com"
    finally:
        stack.stop(signal.SIGTERM)
