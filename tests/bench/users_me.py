"""How many callers can ask who they are, through the gateway and at resource-svc itself."""

import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import psutil

from deploy.local import ports
from tests.bench.installed import Bench, helper, installed
from tests.bench.member import USER_AGENT, bearers, member_of
from tests.bench.row import Row
from tests.bench.wrk_load import Load, saturating, steady
from tests.support.compiled import compiled_gateway

WANTED = 2500
OF_PLAIN = 0.15
"""Of the rate of an aiohttp handler that does nothing, at least."""
MEMBERS = 16
SECONDS = 8
PATH = "/api/v2/barong/resource/users/me"
_TRIES = 200
PRODUCTION = {
    "BARONG_ENV": "production",
    "BARONG_PUBLIC_URL": "https://barong.example.com",
    "BARONG_PHONE_VERIFICATION": "twilio_sms",
    "BARONG_TWILIO_ACCOUNT_SID": "nobody",
    "BARONG_TWILIO_AUTH_TOKEN": "nothing",
    "BARONG_TWILIO_PHONE_NUMBER": "+15005550006",
}
"""As it is where speed counts: logs are JSON. No message is sent."""


def rows() -> Iterator[Row]:
    """Everything shares the cores: six services, PostgreSQL, RabbitMQ and wrk.

    `MEMBERS` members take turns. The gateway is compiled, as in its image. The CPU time a call is
    what rates do not show where others share the machine.
    """
    with installed(**PRODUCTION) as made, ExitStack() as stack:
        bench = with_compiled_gateway(made)
        processes = {name: stack.enter_context(bench.process(name)) for name in bench.system.public}
        for name in processes:
            bench.wait(name)
        members = [member_of(bench, f"member{number}@example.com") for number in range(MEMBERS)]
        resource = f"{bench.system.public_url('resource')}/api/v2/resource/users/me"
        gateway = bench.system.gateway_url + PATH
        size = len(_answer(gateway, members[0].at_gateway))
        turns = _in_turn("Cookie", [member.cookie for member in members])
        parts = {
            "resource-svc": [processes["resource"]],
            "the gateway": [processes["gateway"]],
            "PostgreSQL": postgres_of(bench.folder),
        }
        with plain_handler(size) as (url, process):
            plain = saturating(url, {}, SECONDS // 2).rate
            yield Row(f"plain aiohttp handler, {size} bytes", plain, "/s")
            (cost,) = _costs(url, {}, "", {"plain": [process]})[1].values()
            yield Row("plain aiohttp handler: CPU a call", cost, "µs")
            tokens = _in_turn("Authorization", bearers(bench, *members))
            alone, costs = _costs(resource, {"User-Agent": USER_AGENT}, tokens, parts)
            yield Row("users/me, resource-svc alone", alone.rate, "/s")
            yield Row("users/me, resource-svc alone, of the plain handler", alone.rate / plain, "")
            through, costs = _costs(gateway, {"User-Agent": USER_AGENT}, turns, parts)
            yield Row("users/me, through the gateway", through.rate, "/s", WANTED, "at least")
            share = through.rate / plain
            yield Row(
                "users/me, through the gateway, of the plain handler",
                share,
                "",
                OF_PLAIN,
                "at least",
            )
            for name, microseconds in costs.items():
                yield Row(
                    f"users/me, through the gateway: CPU of {name} a call", microseconds, "µs"
                )
        half = steady(gateway, members[0].at_gateway, SECONDS, WANTED / 2)
        yield Row("users/me, through the gateway at half that load: rate", half.rate, "/s")
        yield Row("users/me, through the gateway at half that load: p50", half.median, "ms")
        yield Row("users/me, through the gateway at half that load: p99", half.p99, "ms", 25)


def with_compiled_gateway(bench: Bench) -> Bench:
    """The system with a gateway as its image has it."""
    environments = dict(bench.system.environments)
    environments["gateway"] = {**environments["gateway"], "PYTHONPATH": str(compiled_gateway())}
    return replace(bench, system=replace(bench.system, environments=environments))


def _in_turn(header: str, values: Sequence[str]) -> str:
    """Lua that has each request send the next of these values."""
    listed = ", ".join(f'"{value}"' for value in values)
    return f"""
local values, count = {{{listed}}}, 0
request = function()
  count = count + 1
  wrk.headers["{header}"] = values[count % #values + 1]
  return wrk.format()
end
"""


def _costs(
    url: str,
    headers: Mapping[str, str],
    lua: str,
    parts: Mapping[str, Sequence[psutil.Process]],
) -> tuple[Load, dict[str, float]]:
    """The load, and what a call costs the processes of each part: microseconds of CPU."""
    before = {name: cpu_seconds(processes) for name, processes in parts.items()}
    load = saturating(url, headers, SECONDS, lua=lua)
    calls = load.rate * SECONDS
    return load, {
        name: (cpu_seconds(processes) - before[name]) / calls * 1e6
        for name, processes in parts.items()
    }


def cpu_seconds(processes: Sequence[psutil.Process]) -> float:
    """Processor time, that of children which are running included."""
    times = [
        each.cpu_times()
        for process in processes
        for each in (process, *process.children(recursive=True))
    ]
    return sum(each.user + each.system for each in times)


def postgres_of(folder: Path) -> list[psutil.Process]:
    """The server of a bench; its other processes are its children."""
    pid = (folder / "postgres" / "data" / "postmaster.pid").read_text().split()[0]
    return [psutil.Process(int(pid))]


def rabbitmq_of(folder: Path) -> list[psutil.Process]:
    """The broker of a bench: its arguments name the folder."""
    return [
        process
        for process in psutil.process_iter()
        if process.name().startswith("beam")
        and any(str(folder) in arg for arg in process.cmdline())
    ]


def _answer(url: str, headers: Mapping[str, str]) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, headers=dict(headers))) as response:
        content: bytes = response.read()
        return content


@contextmanager
def plain_handler(size: int) -> Iterator[tuple[str, psutil.Process]]:
    """An aiohttp handler that does nothing but answer so many bytes: its URL, and its process."""
    (port,) = ports.free_ports(1)
    process = subprocess.Popen(helper("plain_handler", port, size))
    url = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(_TRIES):
            try:
                _answer(url, {})
                break
            except OSError:
                time.sleep(0.05)
        yield url, psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()
