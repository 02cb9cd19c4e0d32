"""Libraries of others that sign calls, driven by the examples of docs/consumers/signing.md."""

import asyncio
import functools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

import aiohttp
import pytest
from http_message_signatures.algorithms import ED25519, HMAC_SHA256
from yarl import URL

from tests.support.system import ROOT

HERE = Path(__file__).parent
_BUILT = ROOT / ".local" / "signatures"
_SECONDS = 300
_CALL_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Call:
    """A call to sign; `url` is absolute."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str | None


@dataclass(frozen=True, slots=True)
class SignersKey:
    """A client's key: `key` is the secret, or the private key in PEM."""

    kid: str
    key: str
    algorithm: str


class Signer(Protocol):
    """A signing library."""

    async def sign(self, call: Call, key: SignersKey) -> dict[str, str]:
        """All headers of the signed call."""
        ...

    async def send(self, call: Call, key: SignersKey) -> tuple[int, Any]:
        """Signs the call and sends it; status and body of the answer."""
        ...


def documented(name: str) -> str:
    """The example that docs/consumers/signing.md has under this name."""
    text = (ROOT / "docs" / "consumers" / "signing.md").read_text()
    found = re.search(rf"<!-- {name} -->\n```\w+\n(.*?)```\n<!-- /{name} -->", text, re.DOTALL)
    assert found is not None
    return found[1]


class InPython:
    """The library from PyPI, in this process; aiohttp sends the calls."""

    def __init__(self) -> None:
        names: dict[str, Any] = {}
        exec(documented("python"), names)
        self._sign = names["sign"]

    async def sign(self, call: Call, key: SignersKey) -> dict[str, str]:
        """See `Signer`."""
        request = SimpleNamespace(method=call.method, url=call.url, headers=dict(call.headers))
        algorithm = ED25519 if key.algorithm == "ed25519" else HMAC_SHA256
        body = None if call.body is None else call.body.encode()
        self._sign(request, key.kid, key.key.encode(), algorithm, body)
        headers: dict[str, str] = request.headers
        return headers

    async def send(self, call: Call, key: SignersKey) -> tuple[int, Any]:
        """See `Signer`."""
        return await send(call, await self.sign(call, key))


async def send(call: Call, headers: Any) -> tuple[int, Any]:
    """Status and body of the answer to a call with these headers."""
    async with (
        aiohttp.ClientSession() as http,
        http.request(
            call.method, URL(call.url, encoded=True), headers=headers, data=call.body
        ) as got,
    ):
        return got.status, await got.json()


@dataclass(frozen=True, slots=True)
class Program:
    """A program that reads one call from standard input and prints the result."""

    command: Sequence[str]

    async def sign(self, call: Call, key: SignersKey) -> dict[str, str]:
        """See `Signer`."""
        headers: dict[str, str] = (await self._run(call, key, send=False))["headers"]
        return headers

    async def send(self, call: Call, key: SignersKey) -> tuple[int, Any]:
        """See `Signer`."""
        told = await self._run(call, key, send=True)
        return told["status"], told["body"]

    async def _run(self, call: Call, key: SignersKey, *, send: bool) -> Any:
        asked = {
            "call": {
                "method": call.method,
                "url": call.url,
                "headers": dict(call.headers),
                **({} if call.body is None else {"body": call.body}),
            },
            "kid": key.kid,
            "key": key.key,
            "algorithm": key.algorithm,
            "send": send,
        }
        process = await asyncio.create_subprocess_exec(
            *self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        async with asyncio.timeout(_CALL_SECONDS):
            output, errors = await process.communicate(json.dumps(asked).encode())
        assert process.returncode == 0, errors.decode()
        return json.loads(output)


def in_node() -> Program:
    """The library from npm, with Node's `fetch`; skips without Node or the package."""
    return _had(_in_node())


def in_go() -> Program:
    """httpsig-go, with Go's `net/http`; skips without Go or the module."""
    return _had(_in_go())


def _had(program: Program | str) -> Program:
    if isinstance(program, str):
        pytest.skip(program)
    return program


@functools.cache
def _in_node() -> Program | str:
    """The program, or why there is none; cached, so that a registry is tried once."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return "There is no node and npm on this machine."
    folder = _copied("node", "signing.mjs", documented("node"))
    if not (folder / "node_modules").exists():
        done = _run(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)
        if done.returncode != 0:
            return _why("npm", done)
    return Program((node, str(folder / "client.mjs")))


@functools.cache
def _in_go() -> Program | str:
    """As `_in_node`."""
    go = shutil.which("go")
    if go is None:
        return "There is no go on this machine."
    folder = _copied("go", "signing.go", documented("go"))
    if not (folder / "client").exists():
        done = _run(go, "mod", "download", cwd=folder)
        if done.returncode != 0:
            return _why("go", done)
        done = _run(go, "build", "-o", "client", ".", cwd=folder)
        assert done.returncode == 0, done.stderr
    return Program((str(folder / "client"),))


SIGNERS: Mapping[str, Callable[[], Signer]] = {
    "python": InPython,
    "node": in_node,
    "go": in_go,
}


def _copied(language: str, name: str, example: str) -> Path:
    """A folder with the program of a language and the example; a new one when either changed."""
    files = {file.name: file.read_text() for file in (HERE / language).iterdir()} | {name: example}
    folder = _BUILT / language
    if not all(_has(folder / each, text) for each, text in files.items()):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for each, text in files.items():
            (folder / each).write_text(text)
    return folder


def _has(file: Path, text: str) -> bool:
    return file.exists() and file.read_text() == text


def _why(what: str, done: "subprocess.CompletedProcess[str]") -> str:
    last = (done.stderr or done.stdout).strip().splitlines()[-1:]
    return f"{what} cannot fetch its packages: {' '.join(last)}"


def _run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    settings = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local"}
    try:
        return subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", "It took too long.")
