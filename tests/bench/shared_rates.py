"""How much of a rate a client gets at three gateways that share it, and that do not.

One client calls all three as fast as they answer, for ten seconds.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.local import ports, rabbitmq
from tests.bench import peers
from tests.bench.gateway import UPSTREAM_BYTES, gateway_environment
from tests.bench.installed import helper
from tests.bench.policy_and_session import PATH
from tests.bench.row import Row
from tests.bench.traffic import SAME_BYTES, USER_AGENT
from tests.bench.wrk_load import passed
from tests.support.redis_server import RedisServer

GATEWAYS, RATE, BURST, SECONDS = 3, 200, 50, 10
MOST = 1.2
ROUTES = (
    f"- {{prefix: /{PATH}, access: required, rate: {RATE}/s, burst: {BURST}, "
    'upstream: "http://127.0.0.1:%d"}'
)


def rows() -> Iterator[Row]:
    """Calls that passed, as a multiple of what one bucket allows in that time."""
    with TemporaryDirectory(prefix="barong-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        api, stand_in = ports.free_ports(2)
        broker = stack.enter_context(rabbitmq.server(folder / "rabbitmq"))
        redis = stack.enter_context(RedisServer.in_folder(folder))
        asyncio.run(redis.start())
        environment = {**gateway_environment(folder, api, stand_in), "AMQP_URL": broker}
        Path(environment["BARONG_ROUTES_FILE"]).write_text(ROUTES % api)

        def run(command: list[str], port: int, path: str, env: dict[str, str] | None) -> str:
            url = f"http://127.0.0.1:{port}/{path}"
            stack.enter_context(peers.running(command, folder, url, SAME_BYTES.headers, env))
            return url

        def gateways(**own: str) -> list[str]:
            free = iter(ports.free_ports(2 * GATEWAYS))
            serve = [sys.executable, "-P", "-m", "authz_gateway", "serve"]
            urls = []
            for _ in range(GATEWAYS):
                port = next(free)
                places = {"BARONG_PORT": str(port), "BARONG_INTERNAL_PORT": str(next(free))}
                urls.append(run(serve, port, PATH, {**environment, **places, **own}))
            return urls

        run(peers.upstream(folder, api, UPSTREAM_BYTES), api, PATH, None)
        run(helper("policy_and_session", stand_in, USER_AGENT), stand_in, "policy", None)
        alone, together = gateways(), gateways(BARONG_RATE_LIMIT_URL=redis.url)
        time.sleep(5)  # for the gateways to know of each other, and buckets to fill up again
        for what, urls, limit in (
            (f"{GATEWAYS} gateways that share a rate of {RATE}/s", together, MOST),
            (f"{GATEWAYS} gateways that do not", alone, None),
        ):
            began = time.monotonic()
            calls = passed(urls, SAME_BYTES.headers, SECONDS)
            allowed = BURST + RATE * (time.monotonic() - began)
            yield Row(f"{what}: a client gets", calls / allowed, "times the rate", limit)
