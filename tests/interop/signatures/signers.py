"""Libraries of others that sign calls, driven by the examples of docs/consumers/signing.md."""

import asyncio
import functools
import json
import re
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

from tests.interop import programs
from tests.interop.programs import Command, files_in
from tests.support.system import ROOT

HERE = Path(__file__).parent
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
    files = {**files_in(HERE / "node"), "signing.mjs": documented("node")}
    return _program(programs.in_node("signer-node", files, "client.mjs"))


@functools.cache
def _in_go() -> Program | str:
    """As `_in_node`."""
    files = {**files_in(HERE / "go"), "signing.go": documented("go")}
    return _program(programs.in_go("signer-go", files))


def _program(command: Command | str) -> Program | str:
    return command if isinstance(command, str) else Program(command)


SIGNERS: Mapping[str, Callable[[], Signer]] = {
    "python": InPython,
    "node": in_node,
    "go": in_go,
}
