"""How much memory a gateway takes for each 1,000 sessions that call it."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from deploy.local import ports, rabbitmq
from tests.bench import peers
from tests.bench.gateway import UPSTREAM_BYTES, gateway_environment
from tests.bench.installed import helper
from tests.bench.policy_and_session import PATH
from tests.bench.row import Row
from tests.bench.traffic import SAME_BYTES, USER_AGENT
from tests.bench.wrk_load import saturating
from tests.support.compiled import compiled_gateway

CONNECTIONS = 16
SECONDS = 8
_EACH_ANOTHER = """
local count = 0
request = function()
  count = count + 1
  wrk.headers["Cookie"] = string.format("_barong_session=%032d", count)
  return wrk.format()
end
"""


def rows() -> Iterator[Row]:
    """A compiled gateway before and after thousands of sessions, each of which makes one call."""
    with TemporaryDirectory(prefix="barong-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        api, stand_in, public, internal = ports.free_ports(4)
        broker = stack.enter_context(rabbitmq.server(folder / "rabbitmq"))
        environment = {
            **gateway_environment(folder, api, stand_in),
            "BARONG_PORT": str(public),
            "BARONG_INTERNAL_PORT": str(internal),
            "AMQP_URL": broker,
            "PYTHONPATH": str(compiled_gateway()),
        }

        def run(
            command: list[str], port: int, path: str, env: dict[str, str] | None = None
        ) -> psutil.Process:
            url = f"http://127.0.0.1:{port}/{path}"
            return stack.enter_context(peers.running(command, folder, url, SAME_BYTES.headers, env))

        run(peers.upstream(folder, api, UPSTREAM_BYTES), api, PATH)
        run(helper("policy_and_session", stand_in, USER_AGENT), stand_in, "policy")
        serve = [sys.executable, "-P", "-m", "authz_gateway", "serve"]
        gateway = run(serve, public, PATH, environment)
        url = f"http://127.0.0.1:{public}/{PATH}"
        saturating(url, SAME_BYTES.headers, 2, CONNECTIONS)  # so that it has loaded everything
        before = _mebibytes(gateway)
        load = saturating(url, SAME_BYTES.headers, SECONDS, CONNECTIONS, _EACH_ANOTHER)
        sessions = load.rate * SECONDS
        grown = _mebibytes(gateway) - before
        yield Row("memory with one session", before, "MiB")
        yield Row(f"{sessions:.0f} sessions more: for 1,000 each", grown / sessions * 1000, "MiB")


def _mebibytes(process: psutil.Process) -> float:
    """What belongs to no other process (USS)."""
    return float(process.memory_full_info().uss) / 2**20
