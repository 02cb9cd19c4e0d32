"""A linter that nobody here wrote reads the API document: Redocly's, which npm has."""

import asyncio
import functools
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from tests.support.distribution import one_at_a_time

HERE = Path(__file__).parent
INSTALLED = HERE.parents[2] / ".local" / "api-document-linter"
CARRIED = resources.files("authz_gateway.api_document") / "openapi.json"
SECONDS = 300


@pytest.fixture
async def linter() -> Callable[[Path], "subprocess.CompletedProcess[str]"]:
    """Lints a file."""
    found = await asyncio.to_thread(_installed)
    if isinstance(found, str):
        pytest.skip(found)
    return functools.partial(_lint, found)


@functools.cache
def _installed() -> tuple[str, ...] | str:
    """The command, or why there is none."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return "There is no node and npm on this machine."
    with one_at_a_time("api-document-linter"):
        INSTALLED.mkdir(parents=True, exist_ok=True)
        lock = (HERE / "package-lock.json").read_text()
        note = INSTALLED / "installed"
        if not note.exists() or note.read_text() != lock:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / name, INSTALLED)
            done = _run(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
            if done.returncode != 0:
                return f"npm cannot fetch its packages: {done.stderr.strip()[-200:]}"
            note.write_text(lock)
    return node, str(INSTALLED / "node_modules" / "@redocly" / "cli" / "bin" / "cli.js")


def _lint(command: tuple[str, ...], file: Path) -> "subprocess.CompletedProcess[str]":
    settings = HERE / "redocly.yaml"
    return _run(*command, "lint", f"--config={settings}", "--format=json", str(file))


def _run(*command: str) -> "subprocess.CompletedProcess[str]":
    quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    return subprocess.run(
        command,
        cwd=INSTALLED,
        env={**os.environ, **quiet},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


async def test_it_finds_nothing(
    linter: Callable[[Path], "subprocess.CompletedProcess[str]"], tmp_path: Path
) -> None:
    file = tmp_path / "openapi.json"
    file.write_text(CARRIED.read_text())
    done = await asyncio.to_thread(linter, file)
    assert done.returncode == 0, done.stdout + done.stderr


async def test_it_would_find_an_example_of_another_type(
    linter: Callable[[Path], "subprocess.CompletedProcess[str]"], tmp_path: Path
) -> None:
    document: Any = json.loads(CARRIED.read_text())
    answer = document["paths"]["/identity/ping"]["get"]["responses"]["200"]
    answer["content"]["application/json"]["example"] = {"ping": 1}
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(document))
    done = await asyncio.to_thread(linter, file)
    assert done.returncode == 1
    assert "no-invalid-media-type-examples" in done.stdout
