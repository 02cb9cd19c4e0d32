"""Calls one URL with wrk: as fast as it is answered, or at a steady pace."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from tempfile import NamedTemporaryFile

from tests.support.programs import wrk

_TELL = """
done = function(summary, latency, requests)
  local errors = summary.errors
  print("told", summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
        errors.connect + errors.read + errors.write + errors.status + errors.timeout)
end
"""
_COUNT = """
setup = function(given) thread = given end
init = function(args) passed = 0 end
response = function(status) if status == 200 then passed = passed + 1 end end
done = function() print("passed", thread:get("passed")) end
"""
# Each connection pauses before each request, for as long as chance says: the calls of many
# connections together come like those of many people.
_PAUSE = """
init = function(args) math.randomseed(os.time()) end
delay = function() return math.random() * {milliseconds} end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What a load came to: requests a second, and milliseconds."""

    rate: float
    median: float
    p99: float


def saturating(
    url: str, headers: Mapping[str, str], seconds: int, connections: int = 32, lua: str = ""
) -> Load:
    """As many calls as are answered; raises RuntimeError where one fails."""
    return _run(url, headers, seconds, connections, lua)


def steady(url: str, headers: Mapping[str, str], seconds: int, rate: float) -> Load:
    """About `rate` calls a second; raises RuntimeError where one fails."""
    connections = 64
    longest = 2 * connections / rate * 1000
    return _run(url, headers, seconds, connections, _PAUSE.format(milliseconds=longest))


def passed(urls: Sequence[str], headers: Mapping[str, str], seconds: int) -> int:
    """How many calls get 200, if these are called at the same time as fast as they are answered."""
    program = wrk()
    given = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    with NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_COUNT)
        script.flush()
        running = [
            subprocess.Popen(
                [program.file, "-t1", "-c4", f"-d{seconds}s", "-s", script.name, *given, url],
                env={**os.environ, **program.env},
                stdout=subprocess.PIPE,
                text=True,
            )
            for url in urls
        ]
        told = [each.communicate(timeout=seconds + 60)[0] for each in running]
    lines = [line.split() for text in told for line in text.splitlines()]
    return sum(int(float(line[1])) for line in lines if line[:1] == ["passed"])


@contextmanager
def saturated(
    urls: Sequence[str], headers: Mapping[str, str], connections: int = 16
) -> Iterator[None]:
    """Calls these as fast as they are answered for the time of the block, whatever they answer."""
    program = wrk()
    given = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    with ExitStack() as stack:
        for url in urls:
            running = subprocess.Popen(
                [program.file, "-t1", f"-c{connections}", "-d1h", *given, url],
                env={**os.environ, **program.env},
                stdout=subprocess.DEVNULL,
            )
            stack.callback(running.wait)
            stack.callback(running.terminate)
        yield


def _run(url: str, headers: Mapping[str, str], seconds: int, connections: int, lua: str) -> Load:
    program = wrk()
    given = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    with NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(lua + _TELL)
        script.flush()
        done = subprocess.run(
            [
                *(program.file, "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s"),
                *("--latency", "-s", script.name, *given, url),
            ],
            env={**os.environ, **program.env},
            capture_output=True,
            text=True,
            check=True,
            timeout=seconds + 60,
        )
    (told,) = [line.split() for line in done.stdout.splitlines() if line.startswith("told")]
    requests, microseconds, median, p99, failed = map(float, told[1:])
    if failed or not requests:
        raise RuntimeError(f"{url}: {failed:.0f} of {requests:.0f} calls failed")
    return Load(requests / microseconds * 1e6, median / 1000, p99 / 1000)
