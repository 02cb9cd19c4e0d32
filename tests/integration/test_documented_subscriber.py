"""The example of docs/subscribers hears what happens."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.client import Client
from tests.support.system import PASSWORD, ROOT, Installation

EXAMPLE = re.compile(r"<!-- example -->\n```python\n(.*?)```\n<!-- /example -->", re.DOTALL)


@pytest.fixture
async def subscriber(
    system: Installation, tmp_path: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The example as a program of its own, which listens."""
    page = (ROOT / "docs" / "subscribers" / "README.md").read_text()
    example = EXAMPLE.search(page)
    assert example is not None
    program = tmp_path / "example.py"
    program.write_text(example[1])
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        program,
        env={
            "AMQP_URL": system.environments["identity"]["AMQP_URL"],
            "GATEWAY_URL": system.gateway_url,
        },
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert await line_of(process) == "listening"
        yield process
    finally:
        process.terminate()
        await process.wait()


async def line_of(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(60):
        return (await process.stdout.readline()).decode().strip()


async def test_the_example_hears_of_a_new_user(
    subscriber: asyncio.subprocess.Process, client: Client
) -> None:
    answer = await client.post(
        "identity/users", {"email": "subscribed@example.com", "password": PASSWORD}
    )
    assert answer.status == 201
    assert await line_of(subscriber) == f"model.user.created {answer.body['uid']}"
