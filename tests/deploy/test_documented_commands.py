"""Every command that a document tells readers to run exists, with its options."""

import re
import subprocess
import sys
from functools import cache

import pytest

from tests.support.system import ROOT

PAGES = (
    *ROOT.glob("*.md"),
    *(page for page in ROOT.glob("docs/**/*.md") if page.parent.name != "adr"),  # as decided then
    ROOT / "deploy" / "README.md",
    ROOT / "k8s" / "README.md",
    ROOT / "tests" / "interop" / "README.md",
)


def written(pattern: str) -> set[str]:
    """What the documents have where the pattern matches."""
    return {found[0] for page in PAGES for found in re.finditer(pattern, page.read_text())}


def services() -> list[tuple[str, str, str]]:
    """Package, command and options of each `python -m …` in the documents."""
    found = written(r"python -m (identity|resource|admin|mailer|webhooks)_svc [a-z-]+( --[a-z]+)*")
    parts = (command.split(maxsplit=4) for command in found)
    return sorted(
        (package, command, "".join(options)) for _, _, package, command, *options in parts
    )


@cache
def help_of(package: str, command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", package, command, "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout if done.returncode == 0 else ""


@pytest.mark.parametrize(("package", "command", "options"), services())
def test_commands_of_services(package: str, command: str, options: str) -> None:
    shown = help_of(package, command)
    assert f"{package} {command}" in shown
    for option in options.split():
        assert re.search(rf"{option}\b", shown)


def test_targets_of_make() -> None:
    told = {command.split()[1] for command in written(r"(?:(?<=`)|(?<=sh\n))make [a-z-]+")}
    assert len(told) > 10
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert told - set(targets) == set()


def test_files_exist() -> None:
    """Modules of `shared` are named as they are imported; `deploy/secrets` is made by a command."""
    named = written(r"(?<=`)(tests|deploy|shared|docs|k8s)/[\w./-]+\.\w+(?=`)")
    assert len(named) > 20
    folders = (ROOT, ROOT / "shared" / "src")
    missing = {path for path in named if not any((folder / path).exists() for folder in folders)}
    assert {path for path in missing if not path.startswith("deploy/secrets/")} == set()
