"""Relying parties of others, installed from their registries."""

import asyncio
import functools
import json
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.interop.programs import Command, files_in, in_go, in_node

HERE = Path(__file__).parent


@functools.cache
def openid_client(program: str = "client.mjs") -> Command | str:
    """The command of a program with openid-client, or why there is none."""
    return in_node("openid-client", files_in(HERE / "node"), program)


@functools.cache
def go_oidc() -> Command | str:
    """The command of go-oidc's program, or why there is none."""
    return in_go("go-oidc", files_in(HERE / "go"))


PROGRAMS: Mapping[str, Callable[[], Command | str]] = {
    "openid-client": openid_client,
    "go-oidc": go_oidc,
}

SECONDS = 30


async def started(
    command: Sequence[str], given: Mapping[str, object]
) -> asyncio.subprocess.Process:
    """A relying party that was told this."""
    return await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "RELYING_PARTY": json.dumps(given)},
    )


async def logged_in(
    command: Sequence[str], given: Mapping[str, object], browse: Callable[[str], Awaitable[str]]
) -> dict[str, Any]:
    """What a program says after a log-in.

    `browse` is what its user's browser goes through: it gets the start, and returns the callback.
    """
    program = await started(command, given)
    assert program.stdin is not None
    assert program.stdout is not None
    try:
        async with asyncio.timeout(SECONDS):
            start = (await program.stdout.readline()).decode().strip()
        assert start.startswith(f"{given['issuer']}/oauth/authorize"), start
        callback = await browse(start)
        async with asyncio.timeout(SECONDS):
            program.stdin.write(f"{callback}\n".encode())
            await program.stdin.drain()
            line, said = await program.communicate()
    finally:
        if program.returncode is None:
            program.kill()
    assert program.returncode == 0, said.decode()
    result: dict[str, Any] = json.loads(line)
    return result
