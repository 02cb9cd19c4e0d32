"""How fast the gateway decides and forwards, beside nginx and Envoy, which ask somebody else.

Everybody forwards the same calls with a session cookie to the same small upstream, with one process
and an access log, to wrk's one pool of connections; the rounds take turns. The gateway is compiled
as in its image; what it does as plain Python is told besides.

In words, since it is no part of this run: Ory Oathkeeper, as it documents itself (a JWT, `allow`,
`noop`), did 3,900 calls a second on a machine where plain nginx did 30,000; the same bytes or a mix
made no difference to it.
"""

import base64
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from deploy.local import ports, rabbitmq
from tests.bench import peers
from tests.bench.installed import helper
from tests.bench.policy_and_session import PATH
from tests.bench.row import Row
from tests.bench.traffic import (
    MANY_USERS,
    MIX,
    NEW_ID,
    SAME_BYTES,
    SIGNED,
    USER_AGENT,
    WRITES,
    Traffic,
)
from tests.bench.wrk_load import Load, saturating
from tests.support.compiled import compiled_gateway

ROUNDS = 7
SECONDS = 2
CONNECTIONS = 16
IDLE = 10_000
UPSTREAM_BYTES = 80
DECISIONS_PER_SECOND = 25_000
MEGABYTES = 250

OF_NGINX = (
    (SAME_BYTES, 0.8),
    (NEW_ID, 0.7),
    (MIX, 0.7),
    (WRITES, 0.6),
    (MANY_USERS, 0.7),
    (SIGNED, None),
)
"""How much of plain nginx's rate the gateway reaches, at least, under the same traffic.

Signed calls have no limit: each uses up a nonce in another service, here in a stand-in.
"""
OF_NGINX_ASKING = 2.0

ROUTES = f'- {{prefix: /{PATH}, access: required, upstream: "http://127.0.0.1:%d"}}'


@dataclass(slots=True)
class Contender:
    """Who is measured, where and with what, and the processes whose CPU the calls cost."""

    name: str
    url: str
    processes: tuple[psutil.Process, ...]
    traffic: Traffic = SAME_BYTES
    loads: list[Load] = field(default_factory=list, init=False)
    microseconds: list[float] = field(default_factory=list, init=False)

    def measure(self) -> None:
        """One round."""
        before = self._cpu()
        traffic = self.traffic
        load = saturating(self.url, traffic.headers, SECONDS, CONNECTIONS, traffic.lua)
        self.loads.append(load)
        self.microseconds.append((self._cpu() - before) / (load.rate * SECONDS) * 1e6)

    def _cpu(self) -> float:
        times = [process.cpu_times() for process in self.processes]
        return sum(each.user + each.system for each in times)

    @property
    def rate(self) -> float:
        return statistics.median(load.rate for load in self.loads)

    def of(self, other: "Contender") -> float:
        """How much of the other's rate, in the median round: what slows one slows both."""
        both = zip(self.loads, other.loads, strict=True)
        return statistics.median(ours.rate / theirs.rate for ours, theirs in both)

    @property
    def p99(self) -> float:
        return statistics.median(load.p99 for load in self.loads)

    def rows(self) -> Iterator[Row]:
        """Without limits."""
        name = f"{self.name}, {self.traffic.name}"
        yield Row(name, self.rate, "/s")
        yield Row(f"{name}: CPU a call", statistics.median(self.microseconds), "µs")


def rows() -> Iterator[Row]:
    """The medians of the rounds."""
    with TemporaryDirectory(prefix="barong-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        api, stand_in, decision, plain, splicing, asking, envoy = ports.free_ports(7)
        public, internal, public_python, internal_python = ports.free_ports(4)
        broker = stack.enter_context(rabbitmq.server(folder / "rabbitmq"))
        environment = {
            **gateway_environment(folder, api, stand_in),
            "BARONG_PORT": str(public_python),
            "BARONG_INTERNAL_PORT": str(internal_python),
            "AMQP_URL": broker,
        }
        compiled = {
            **environment,
            "BARONG_PORT": str(public),
            "BARONG_INTERNAL_PORT": str(internal),
            "PYTHONPATH": str(compiled_gateway()),
        }

        def run(
            command: list[str], port: int, path: str, env: Mapping[str, str] | None = None
        ) -> psutil.Process:
            url = f"http://127.0.0.1:{port}/{path}"
            return stack.enter_context(peers.running(command, folder, url, SAME_BYTES.headers, env))

        run(peers.upstream(folder, api, UPSTREAM_BYTES), api, PATH)
        run(helper("policy_and_session", stand_in, USER_AGENT), stand_in, "policy")
        decider = run(helper("decision_peer", decision), decision, PATH)
        nginx = run(peers.plain_proxy(folder, plain, api), plain, PATH)
        splicer = run(helper("splicing_peer", splicing, api), splicing, PATH)
        asker = run(peers.asking_proxy(folder, asking, api, decision), asking, PATH)
        ext_authz = run(peers.asking_envoy(folder, envoy, api, decision), envoy, PATH)
        serve = [sys.executable, "-P", "-m", "authz_gateway", "serve"]
        gateway = run(serve, public, PATH, compiled)
        in_python = run(serve, public_python, PATH, environment)

        def contender(name: str, port: int, *whose: psutil.Process) -> Contender:
            return Contender(name, f"http://127.0.0.1:{port}/{PATH}", whose)

        alone = contender("nginx, asking nobody", plain, nginx)
        told = contender("nginx, asking an aiohttp server (auth_request)", asking, asker, decider)
        ours = contender("gateway", public, gateway)
        uncompiled = contender("gateway, not compiled", public_python, in_python)
        others = (
            contender("Python passing bytes on, reading none", splicing, splicer),
            contender("Envoy, asking it (ext_authz)", envoy, ext_authz, decider),
            contender("that aiohttp server", decision, decider),
        )
        deciding = Contender(
            "gateway, the decision alone",
            f"http://127.0.0.1:{public}/api/v2/auth/{PATH}",
            (gateway,),
        )
        pairs = [
            (replace(ours, traffic=traffic), replace(alone, traffic=traffic), limit)
            for traffic, limit in OF_NGINX
        ]
        mixed, mixed_told = (replace(each, traffic=MIX) for each in (uncompiled, told))
        measured = [
            *(each for ours, theirs, _ in pairs for each in (ours, theirs)),
            *(told, mixed_told, uncompiled, mixed, *others, deciding),
        ]
        for _ in range(ROUNDS):
            for each in measured:
                each.measure()
        for each in measured:
            yield from each.rows()
        for ours, theirs, limit in pairs:
            name = f"gateway, of nginx asking nobody, {ours.traffic.name}"
            yield Row(name, ours.of(theirs), "", limit, "at least")
        by_traffic = {ours.traffic.name: (ours, theirs) for ours, theirs, _ in pairs}
        same, same_alone = by_traffic[SAME_BYTES.name]
        mix, mix_alone = by_traffic[MIX.name]
        yield Row("gateway, of nginx asking, same bytes", same.of(told), "", 2, "at least")
        ratio = mix.of(mixed_told)
        yield Row("gateway, of nginx asking, mix", ratio, "", OF_NGINX_ASKING, "at least")
        yield Row("gateway, what compiling brings, mix", mix.of(mixed), "", 1.25, "at least")
        for ours, theirs in ((same, same_alone), (mix, mix_alone)):
            name = f"gateway, p99, {ours.traffic.name}; limit: twice nginx's"
            yield Row(name, ours.p99, "ms", 2 * theirs.p99)
        yield Row("the decision alone", deciding.rate, "/s", DECISIONS_PER_SECOND, "at least")
        yield from _idle(gateway, public)


def gateway_environment(folder: Path, api: int, stand_in: int) -> Mapping[str, str]:
    routes = folder / "routes.yaml"
    routes.write_text(ROUTES % api)
    return {
        "PATH": os.environ["PATH"],
        "BARONG_ENV": "production",
        "BARONG_SERVICE_KEYS": "bench:" + base64.b64encode(bytes(32)).decode(),
        "BARONG_IDENTITY_INTERNAL_URL": f"http://127.0.0.1:{stand_in}",
        "BARONG_ADMIN_INTERNAL_URL": f"http://127.0.0.1:{stand_in}",
        "BARONG_RESOURCE_INTERNAL_URL": f"http://127.0.0.1:{stand_in}",
        "BARONG_ROUTES_FILE": str(routes),
        "BARONG_TRUSTED_PROXIES": "127.0.0.1/32",
    }


def _idle(gateway: psutil.Process, port: int) -> Iterator[Row]:
    before = gateway.memory_info().rss
    clients = subprocess.Popen(
        helper("idle_clients", port, IDLE), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert clients.stdout is not None
        open_now = int(clients.stdout.readline())
        after = gateway.memory_info().rss
    finally:
        clients.kill()
        clients.wait()
    yield Row("gateway, memory before", before / 1e6, "MB")
    yield Row(f"gateway, memory with {open_now} idle connections", after / 1e6, "MB", MEGABYTES)
