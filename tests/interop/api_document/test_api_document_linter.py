"""A linter that nobody here wrote reads the API document: Redocly's, which npm has."""

import asyncio
import functools
import json
import os
import subprocess
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from tests.interop.programs import Command, files_in, in_node

HERE = Path(__file__).parent
CARRIED = resources.files("authz_gateway.api_document") / "openapi.json"
SECONDS = 300


@pytest.fixture
async def linter() -> Callable[[Path], "subprocess.CompletedProcess[str]"]:
    """Lints a file."""
    command = await asyncio.to_thread(redocly)
    if isinstance(command, str):
        pytest.skip(command)
    return functools.partial(_lint, command)


@functools.cache
def redocly() -> Command | str:
    """The command of the linter, or why there is none."""
    files = files_in(HERE, "package.json", "package-lock.json")
    return in_node("api-document-linter", files, "node_modules/@redocly/cli/bin/cli.js")


def _lint(command: Command, file: Path) -> "subprocess.CompletedProcess[str]":
    quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    return subprocess.run(
        (*command, "lint", f"--config={HERE / 'redocly.yaml'}", "--format=json", str(file)),
        cwd=file.parent,
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
