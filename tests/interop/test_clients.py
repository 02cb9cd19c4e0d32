"""Other people's clients: each does a new user's first steps."""

import asyncio
import hashlib
import json
import os
import secrets
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

import pytest

from deploy.local.processes import StartError
from tests.interop.known_faults import expect_known_faults
from tests.support import programs
from tests.support.client import USER_AGENT
from tests.support.programs import Program
from tests.support.system import PASSWORD, Installation

CLIENTS = Path(__file__).parent / "clients"
SECONDS = 60
A_PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 5000
"""More than a megabyte: then curl sends `Expect: 100-continue`."""

STEPS = [
    ["sign up", 201],
    ["confirm", 201],
    ["log in", 201],
    ["label without token", 401],
    ["label", 201],
    ["upload", 201],
    ["download", 200],
    ["me", 200],
    ["log out", 204],
]

PROGRAMS: Mapping[str, tuple[Callable[[], Program], tuple[str, ...]]] = {
    "curl": (programs.curl, ("sh", "curl.sh")),
    "node": (programs.node, ("", "client.mjs")),
    "go": (lambda: programs.of_go(CLIENTS / "client.go"), ("",)),
    "http.client": (lambda: Program(Path(sys.executable)), ("", "http_client.py")),
    "requests": (lambda: Program(Path(sys.executable)), ("", "with_requests.py")),
}
"""How to get each program, and its command; without one, the program itself."""


@pytest.mark.parametrize("name", PROGRAMS)
async def test_first_minutes(
    name: str, system: Installation, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    expect_known_faults(request, f"client:{name}")
    find, (interpreter, *script) = PROGRAMS[name]
    try:
        program = await asyncio.to_thread(find)
    except StartError as error:
        pytest.skip(str(error))
    email = f"{secrets.token_hex(6)}@example.com"
    (tmp_path / "passport.png").write_bytes(A_PNG)
    process = await asyncio.create_subprocess_exec(
        interpreter or program.file,
        *(CLIENTS / each for each in script),
        env={
            **os.environ,
            **program.env,
            "CURL": str(program.file),
            "EMAIL": email,
            "GATEWAY": system.gateway_url,
            "PASSWORD": PASSWORD,
            "TOKEN_FILE": str(system.mail / f"{quote(email, safe='@')}.token"),
            "UPLOAD": str(tmp_path / "passport.png"),
            "USER_AGENT": USER_AGENT,
        },
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(SECONDS):
            said, complained = await process.communicate()
    except TimeoutError:
        process.kill()
        raise
    assert process.returncode == 0, complained.decode()
    told = json.loads(said)
    assert told["steps"] == STEPS
    assert told["email"] == email
    assert told["digest"] == hashlib.sha256(A_PNG).hexdigest()
