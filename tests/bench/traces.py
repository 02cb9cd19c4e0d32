"""What traces cost the gateway: processor time of a call without them, with some, and with all.

The collector takes nothing, which is the most expensive case.
"""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.local import ports, rabbitmq
from tests.bench import peers
from tests.bench.gateway import ROUNDS, UPSTREAM_BYTES, Contender, gateway_environment
from tests.bench.installed import helper
from tests.bench.policy_and_session import PATH
from tests.bench.row import Row
from tests.bench.traffic import SAME_BYTES, USER_AGENT
from tests.support.compiled import compiled_gateway

_SAMPLED = {
    "gateway, no traces": None,
    "gateway, 1 % of traces recorded": "0.01",
    "gateway, all traces recorded": "1",
}


def rows() -> Iterator[Row]:
    """Gateways that differ in nothing but traces; the rounds take turns."""
    with TemporaryDirectory(prefix="barong-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        api, stand_in, *free = ports.free_ports(2 + 2 * len(_SAMPLED))
        broker = stack.enter_context(rabbitmq.server(folder / "rabbitmq"))
        environment = {
            **gateway_environment(folder, api, stand_in),
            "AMQP_URL": broker,
            "PYTHONPATH": str(compiled_gateway()),
        }

        def run(command: list[str], port: int, path: str, env: dict[str, str] | None) -> Contender:
            url = f"http://127.0.0.1:{port}/{path}"
            process = peers.running(command, folder, url, SAME_BYTES.headers, env)
            return Contender("", url, (stack.enter_context(process),))

        run(peers.upstream(folder, api, UPSTREAM_BYTES), api, PATH, None)
        run(helper("policy_and_session", stand_in, USER_AGENT), stand_in, "policy", None)
        contenders = []
        for (named, share), public, internal in zip(
            _SAMPLED.items(), free[::2], free[1::2], strict=True
        ):
            own = {"BARONG_PORT": str(public), "BARONG_INTERNAL_PORT": str(internal)}
            if share is not None:
                own["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:1"
                own["OTEL_TRACES_SAMPLER"] = "parentbased_traceidratio"
                own["OTEL_TRACES_SAMPLER_ARG"] = share
            serve = [sys.executable, "-P", "-m", "authz_gateway", "serve"]
            contender = run(serve, public, PATH, {**environment, **own})
            contender.name = named
            contenders.append(contender)
        for _ in range(ROUNDS):
            for contender in contenders:
                contender.measure()
        for contender in contenders:
            yield from contender.rows()
