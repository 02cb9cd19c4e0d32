"""Other people's upstreams behind the gateway, and proxies in front of it."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from yarl import URL

from deploy.local import ports, processes
from tests.support import programs
from tests.support.transport import Gateway
from tests.support.waiting import until

_HERE = Path(__file__).parent
_START_SECONDS = 30
_BIG_BYTES = 3_000_000
KEPT_BYTES = 4096
"""How much of a body is recorded."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as an upstream read it; `connection` is the client's port.

    Names of headers are in lower case. `size`: of the body in bytes; `body`: the first of them.
    """

    method: str
    target: str
    connection: int
    headers: tuple[tuple[str, str], ...]
    trailers: tuple[tuple[str, str], ...]
    size: int
    body: bytes

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for each, value in self.headers if each == name]


class UpstreamServer:
    """A running upstream; its paths begin with its name. It records requests in `notes`."""

    def __init__(self, name: str, url: str, notes: Path) -> None:
        self.name = name
        self.url = url
        self._notes = notes
        self._read = 0
        self._seen: list[Seen] = []
        self._closed: set[str] = set()

    def seen(self) -> list[Seen]:
        """The requests, in the order in which they were completely read."""
        self._read_on()
        return self._seen

    def closed(self) -> set[str]:
        """The targets that were answered on closed connections: Node reports those of `raw`."""
        self._read_on()
        return self._closed

    def _read_on(self) -> None:
        if not self._notes.exists():
            return
        with self._notes.open("rb") as file:
            file.seek(self._read)
            whole = file.read().rpartition(b"\n")[0]
        if not whole:
            return
        self._read += len(whole) + 1
        # nginx writes raw bytes, the others write text.
        coding = "latin-1" if self.name == "nginx" else "utf-8"
        for line in whole.split(b"\n"):
            told = json.loads(line.decode(coding))
            if "closed" in told:
                self._closed.add(told["closed"])
            else:
                self._seen.append(_seen(told))


def _seen(line: Mapping[str, object]) -> Seen:
    def pairs(name: str) -> tuple[tuple[str, str], ...]:
        found = line[name]
        assert isinstance(found, list)
        return tuple((name.lower(), value) for name, value in found if value)

    body, size = str(line["body"]).encode("latin-1"), line["size"]
    return Seen(
        method=str(line["method"]),
        target=str(line["target"]),
        connection=int(str(line["connection"])),
        headers=pairs("headers"),
        trailers=pairs("trailers"),
        size=size if isinstance(size, int) else len(body),
        body=body[:KEPT_BYTES],
    )


Start = Callable[[Path, int], AbstractAsyncContextManager[UpstreamServer]]
"""Starts an upstream in a folder, with an idle timeout in seconds."""


@asynccontextmanager
async def nginx(folder: Path, keep_alive: int) -> AsyncIterator[UpstreamServer]:
    """nginx, of the distribution."""
    port, inner = ports.free_ports(2)
    (folder / "big").write_bytes(b"x" * _BIG_BYTES)
    notes = folder / "seen"
    values = {"PORT": port, "INNER": inner, "SEEN": notes, "FOLDER": folder}
    values["KEEP_ALIVE_SECONDS"] = keep_alive
    command = _nginx(folder, _filled("upstreams/nginx.conf", values))
    async with running(command, folder, port, programs.nginx().env) as url:
        yield UpstreamServer("nginx", url, notes)


@asynccontextmanager
async def node(folder: Path, keep_alive: int) -> AsyncIterator[UpstreamServer]:
    """Node's `http`."""
    program = programs.node()
    command = [program.file, _HERE / "upstreams" / "upstream.js"]
    async with _upstream("node", folder, command, program.env, keep_alive) as made:
        yield made


@asynccontextmanager
async def go(folder: Path, keep_alive: int) -> AsyncIterator[UpstreamServer]:
    """Go's net/http."""
    program = await asyncio.to_thread(programs.of_go, _HERE / "upstreams" / "upstream.go")
    async with _upstream("go", folder, [program.file], {}, keep_alive) as made:
        yield made


@asynccontextmanager
async def gunicorn(folder: Path, keep_alive: int) -> AsyncIterator[UpstreamServer]:
    """gunicorn with two threads; it accepts headers as large as the gateway does."""
    command = [
        *(sys.executable, "-m", "gunicorn.app.wsgiapp", "--worker-class", "gthread"),
        *("--threads", "2", "--keep-alive", str(keep_alive), "--limit-request-line", "0"),
        *("--limit-request-field_size", "0", "--bind", "127.0.0.1:PORT"),
        *("--chdir", str(_HERE / "upstreams"), "gunicorn_app:app"),
    ]
    async with _upstream("gunicorn", folder, command, {}, keep_alive) as made:
        yield made


@asynccontextmanager
async def uvicorn(folder: Path, keep_alive: int) -> AsyncIterator[UpstreamServer]:
    """uvicorn; it accepts headers as large as the gateway does."""
    command = [
        *(sys.executable, "-m", "uvicorn", "--port", "PORT", "--http", "h11", "--no-access-log"),
        *(
            "--no-proxy-headers",
            "--timeout-keep-alive",
            str(keep_alive),
            "--h11-max-incomplete-event-size",
            "100000",
        ),
        *("--app-dir", str(_HERE / "upstreams"), "uvicorn_app:app"),
    ]
    async with _upstream("uvicorn", folder, command, {}, keep_alive) as made:
        yield made


UPSTREAMS: Mapping[str, Start] = {
    "nginx": nginx,
    "node": node,
    "go": go,
    "gunicorn": gunicorn,
    "uvicorn": uvicorn,
}


@asynccontextmanager
async def every_upstream(
    folder: Path, keep_alive: int
) -> AsyncIterator[Mapping[str, UpstreamServer | str]]:
    """Starts all upstreams concurrently, with an idle timeout in seconds.

    For an upstream that is not available, the command that installs it is returned instead.
    """
    async with AsyncExitStack() as stack:

        async def started(name: str, start: Start) -> UpstreamServer | str:
            (folder / name).mkdir()
            try:
                return await stack.enter_async_context(start(folder / name, keep_alive))
            except processes.StartError as error:
                return str(error)

        found = await asyncio.gather(*(started(*each) for each in UPSTREAMS.items()))
        yield dict(zip(UPSTREAMS, found, strict=True))


class GatewayFor(Protocol):
    """Returns the gateway for a test: a separate one if `apart`, else the shared one."""

    def __call__(self, *, apart: bool) -> AbstractAsyncContextManager[Gateway]: ...


@dataclass(frozen=True, slots=True)
class Front:
    """A running proxy in front of the gateway."""

    name: str
    url: str


@asynccontextmanager
async def before(name: str, folder: Path, gateway: str) -> AsyncIterator[Front]:
    """A proxy in front of the gateway, with persistent connections to it."""
    port = ports.free_ports(1)[0]
    address = URL(gateway)
    values = {"PORT": port, "FOLDER": folder, "HOST": address.host, "GATEWAY": address.port}
    command: Sequence[str | Path]
    match name:
        case "nginx":
            program = programs.nginx()
            command = _nginx(folder, _filled("fronts/nginx.conf", values))
        case "haproxy":
            program = programs.haproxy()
            (folder / "haproxy.cfg").write_text(_filled("fronts/haproxy.cfg", values))
            command = [program.file, "-db", "-f", folder / "haproxy.cfg"]
        case _:
            program = programs.envoy()
            (folder / "envoy.yaml").write_text(_filled("fronts/envoy.yaml", values))
            command = [program.file, "-c", folder / "envoy.yaml", "--concurrency", "1"]
            command += ["--use-dynamic-base-id", "-l", "warn"]
    async with running(command, folder, port, program.env) as url:
        yield Front(name, url)


FRONTS = ("nginx", "haproxy", "envoy")


@asynccontextmanager
async def _upstream(
    name: str,
    folder: Path,
    command: Sequence[str | Path],
    env: Mapping[str, str],
    keep_alive: int,
) -> AsyncIterator[UpstreamServer]:
    port, notes = ports.free_ports(1)[0], folder / "seen"
    ours = {"PORT": str(port), "SEEN": str(notes), "KEEP_ALIVE_SECONDS": str(keep_alive)}
    command = [
        each.replace("PORT", str(port)) if isinstance(each, str) else each for each in command
    ]
    async with running(command, folder, port, {**env, **ours}) as url:
        yield UpstreamServer(name, url, notes)


def _nginx(folder: Path, configuration: str) -> list[str | Path]:
    file = folder / "nginx.conf"
    file.write_text(configuration)
    return [programs.nginx().file, "-p", folder, "-e", "stderr", "-c", file]


def _filled(file: str, values: Mapping[str, object]) -> str:
    """One of our configurations, with its placeholders in capitals replaced."""
    text = (_HERE / file).read_text()
    for name, value in values.items():
        text = text.replace(name, str(value))
    return text


@asynccontextmanager
async def running(
    command: Sequence[str | Path],
    folder: Path,
    port: int,
    env: Mapping[str, str],
    seconds: float = _START_SECONDS,
) -> AsyncIterator[str]:
    """Runs a server while the block runs; yields its address. It may take `seconds` to start."""
    log = folder / "log"
    process = processes.start(command, mark=folder, env={**os.environ, **env}, log=log)
    try:
        await until(lambda: _listens(process, log, port), seconds)
        yield f"http://127.0.0.1:{port}"
    finally:
        await asyncio.to_thread(processes.stop, process, signal.SIGTERM, 5)


async def _listens(process: subprocess.Popen[bytes], log: Path, port: int) -> bool:
    # A failure to start is our fault; `programs` reports a missing program.
    assert process.poll() is None, processes.tail(log)
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
