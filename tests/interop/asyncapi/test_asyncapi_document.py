"""AsyncAPI's own parser, which npm has, reads the document of events."""

import asyncio
import functools
import json
import shutil
import subprocess
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.catalogue import CATALOGUE
from tests.support.distribution import one_at_a_time

HERE = Path(__file__).parent
INSTALLED = HERE.parents[2] / ".local" / "asyncapi-validator"
CARRIED = resources.files("authz_gateway.api_document") / "asyncapi.json"
SECONDS = 300

Parse = Callable[[str], Any]


@pytest.fixture
async def parse() -> Parse:
    """Parses a document: `faults`, and the names of `messages`."""
    found = await asyncio.to_thread(_installed)
    if found.startswith(("npm ", "There ")):
        pytest.skip(found)
    return functools.partial(_parsed, found)


@functools.cache
def _installed() -> str:
    """The path of node, or why there is none."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return "There is no node and npm on this machine."
    with one_at_a_time("asyncapi-validator"):
        INSTALLED.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json", "validate.mjs"):
            shutil.copy(HERE / name, INSTALLED)
        lock = (HERE / "package-lock.json").read_text()
        note = INSTALLED / "installed"
        if not note.exists() or note.read_text() != lock:
            done = _run(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
            if done.returncode != 0:
                return f"npm cannot fetch its packages: {done.stderr.strip()[-200:]}"
            note.write_text(lock)
    return node


def _parsed(node: str, document: str) -> Any:
    done = _run(node, "validate.mjs", given=document)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _run(*command: str, given: str | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        cwd=INSTALLED,
        input=given,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


async def test_it_finds_every_event_and_no_fault(parse: Parse) -> None:
    parsed = await asyncio.to_thread(parse, CARRIED.read_text())
    assert parsed["faults"] == []
    assert set(parsed["messages"]) == set(CATALOGUE)


async def test_it_would_find_a_schema_that_is_none(parse: Parse) -> None:
    document = json.loads(CARRIED.read_text())
    payload = document["components"]["messages"]["system.user.erased"]["payload"]
    payload["properties"]["jti"]["type"] = "text"
    parsed = await asyncio.to_thread(parse, json.dumps(document))
    assert parsed["faults"]
