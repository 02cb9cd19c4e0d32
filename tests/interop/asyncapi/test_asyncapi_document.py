"""AsyncAPI's own parser, which npm has, reads the document of events."""

import asyncio
import functools
import json
import subprocess
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.catalogue import CATALOGUE
from tests.interop.programs import Command, files_in, in_node

HERE = Path(__file__).parent
PROGRAM = ("package.json", "package-lock.json", "validate.mjs")
CARRIED = resources.files("authz_gateway.api_document") / "asyncapi.json"
SECONDS = 300

Parse = Callable[[str], Any]


@pytest.fixture
async def parse() -> Parse:
    """Parses a document: `faults`, and the names of `messages`."""
    command = await asyncio.to_thread(validator)
    if isinstance(command, str):
        pytest.skip(command)
    return functools.partial(_parsed, command)


@functools.cache
def validator() -> Command | str:
    """The command of the parser, or why there is none."""
    return in_node("asyncapi-validator", files_in(HERE, *PROGRAM), "validate.mjs")


def _parsed(command: Command, document: str) -> Any:
    done = subprocess.run(
        command, input=document, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


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
