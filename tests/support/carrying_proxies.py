"""The proxies for forward auth, run with the examples in deploy/."""

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import yaml
from yarl import URL

from deploy.local import ports, processes
from tests.support import programs
from tests.support.system import ROOT
from tests.support.waiting import until

_START_SECONDS = 30

_NGINX = """
daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include barong.conf;
}}
"""


@asynccontextmanager
async def nginx(folder: Path, gateway: str, api: str) -> AsyncIterator[str]:
    """nginx between clients and `api`; yields its URL."""
    port = ports.free_ports(1)[0]
    example = _with_addresses((ROOT / "deploy/nginx/barong.conf").read_text(), gateway, api)
    (folder / "barong.conf").write_text(_replaced(example, "listen 8000;", f"listen {port};"))
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder))
    program = programs.nginx()
    command: list[str | Path] = [
        program.file,
        "-p",
        folder,
        "-e",
        "stderr",
        "-c",
        folder / "nginx.conf",
    ]
    async with _running(program, command, folder, port) as url:
        yield url


@asynccontextmanager
async def envoy(
    folder: Path, gateway: str, api: str, example: str = "envoy.yaml", decisions: str = ""
) -> AsyncIterator[str]:
    """Envoy between clients and `api`; yields its URL.

    `decisions`: where the gateway decides over gRPC, for an example that asks there.
    """
    port = ports.free_ports(1)[0]
    text = (ROOT / "deploy/envoy" / example).read_text()
    text = _replaced(
        text, "port_value: 8000}}\n      filter", f"port_value: {port}}}}}\n      filter"
    )
    for name, url in (
        ("authz-gateway, port_value: 8080", gateway),
        ("your-api, port_value: 8000", api),
        *([("authz-gateway, port_value: 9001", decisions)] if decisions else []),
    ):
        text = _replaced(text, name, f"{URL(url).host}, port_value: {URL(url).port}")
    (folder / "envoy.yaml").write_text(text)
    program = programs.envoy()
    command: list[str | Path] = [program.file, "-c", folder / "envoy.yaml"]
    command += ["--concurrency", "1", "--use-dynamic-base-id", "-l", "warn"]
    async with _running(program, command, folder, port) as url:
        yield url


def traefik_configuration() -> dict[str, object]:
    """The example for Traefik, whose program is not in the package indexes."""
    configuration: dict[str, object] = yaml.safe_load(
        (ROOT / "deploy/traefik/dynamic.yaml").read_text()
    )
    return configuration


def _with_addresses(text: str, gateway: str, api: str) -> str:
    text = _replaced(text, "authz-gateway:8080", URL(gateway).authority)
    return _replaced(text, "your-api:8000", URL(api).authority)


def _replaced(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, old
    return text.replace(old, new)


@asynccontextmanager
async def _running(
    program: programs.Program, command: Sequence[str | Path], folder: Path, port: int
) -> AsyncIterator[str]:
    log = folder / "log"
    process = processes.start(command, mark=folder, env={**os.environ, **program.env}, log=log)
    try:
        await until(lambda: _listens(process, log, port), _START_SECONDS)
        yield f"http://127.0.0.1:{port}"
    finally:
        await asyncio.to_thread(processes.stop, process, signal.SIGTERM, 10)


async def _listens(process: subprocess.Popen[bytes], log: Path, port: int) -> bool:
    if process.poll() is not None:
        raise processes.StartError(processes.tail(log))
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
