"""Envoy that asks the gateway about each call, by gRPC beside HTTP (ext_authz)."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from authz_gateway.routing.route_table import DECISION_PATH
from deploy.local import ports, rabbitmq
from tests.bench import peers
from tests.bench.gateway import ROUNDS, UPSTREAM_BYTES, Contender, gateway_environment
from tests.bench.installed import helper
from tests.bench.policy_and_session import PATH
from tests.bench.row import Row
from tests.bench.traffic import SAME_BYTES, USER_AGENT
from tests.support.compiled import compiled_gateway


def rows() -> Iterator[Row]:
    """The medians of the rounds, which take turns; all use one gateway and one upstream."""
    with TemporaryDirectory(prefix="barong-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        api, stand_in, public, internal, decisions, by_http, by_grpc = ports.free_ports(7)
        environment = {
            **gateway_environment(folder, api, stand_in),
            # Envoy names the address of this machine instead of 127.0.0.1.
            "BARONG_SESSION_BIND_NETWORK": "false",
            "AMQP_URL": stack.enter_context(rabbitmq.server(folder / "rabbitmq")),
            "BARONG_PORT": str(public),
            "BARONG_INTERNAL_PORT": str(internal),
            "BARONG_EXT_AUTHZ_PORT": str(decisions),
            "PYTHONPATH": str(compiled_gateway()),
        }

        def run(
            command: list[str], port: int, path: str = PATH, env: dict[str, str] | None = None
        ) -> psutil.Process:
            url = f"http://127.0.0.1:{port}/{path}"
            return stack.enter_context(peers.running(command, folder, url, SAME_BYTES.headers, env))

        run(peers.upstream(folder, api, UPSTREAM_BYTES), api)
        run(helper("policy_and_session", stand_in, USER_AGENT), stand_in, "policy")
        serve = [sys.executable, "-P", "-m", "authz_gateway", "serve"]
        gateway = run(serve, public, env=environment)
        http_command = peers.asking_envoy(folder, by_http, api, public, prefix=DECISION_PATH)
        grpc_command = peers.asking_envoy(folder, by_grpc, api, decisions, grpc=True)
        http, grpc = (
            Contender(what, f"http://127.0.0.1:{port}/{PATH}", (run(command, port), gateway))
            for what, port, command in (
                ("Envoy, asking the gateway by HTTP", by_http, http_command),
                ("Envoy, asking the gateway by gRPC", by_grpc, grpc_command),
            )
        )
        for _ in range(ROUNDS):
            for each in (http, grpc):
                each.measure()
        for each in (http, grpc):
            yield from each.rows()
            yield Row(f"{each.name}: p99", each.p99, "ms")
        yield Row("gRPC, of HTTP", grpc.of(http), "")
