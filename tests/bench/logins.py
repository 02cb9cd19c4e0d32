"""How close log-ins come to what their hash costs, and what they do to everybody else."""

import http.client
import json
import os
import statistics
import subprocess
import time
from collections.abc import Iterator

from tests.bench.installed import Bench, helper, installed, output_of
from tests.bench.login_load import WARM_UP_SECONDS
from tests.bench.row import Row, percentile
from tests.support.system import PASSWORD

SECONDS = 12.0
PING = "/api/v2/identity/ping"
PINGS_PER_SECOND = 100
CONNECTIONS_PER_THREAD = 8
FAILURES = 300

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def rows() -> Iterator[Row]:
    """With one hash thread, which leaves a core to the rest, and with one on each core.

    Everything shares the cores: PostgreSQL, RabbitMQ, resource-svc and whoever logs in.
    """
    cores = len(os.sched_getaffinity(0))
    for threads in sorted({1, cores}):
        with (
            installed(BARONG_PASSWORD_HASH_THREADS=str(threads)) as bench,
            bench.running("resource", "identity"),
        ):
            emails = [_signed_up(bench, number) for number in range(16)]
            yield from _saturated(bench, threads, f"{threads} of {cores} cores", emails)
            if threads == cores:
                yield _unknown_and_known(bench, emails[0])


def _saturated(bench: Bench, threads: int, cores: str, emails: list[str]) -> Iterator[Row]:
    port = bench.system.public["identity"]
    ping = helper("ping_probe", port, PING, PINGS_PER_SECOND, SECONDS - 2)
    idle = percentile(json.loads(output_of(ping)), 0.99)
    alone = [_hash_alone(threads)]
    load = subprocess.Popen(
        helper("login_load", port, threads * CONNECTIONS_PER_THREAD, SECONDS, *emails),
        stdout=subprocess.PIPE,
        text=True,
    )
    time.sleep(WARM_UP_SECONDS + 0.5)
    busy = percentile(json.loads(output_of(ping)), 0.99)
    logins = json.loads(load.communicate()[0])
    if logins["failed"]:
        raise RuntimeError(f"{logins['failed']} log-ins failed")
    alone.append(_hash_alone(threads))
    peer = statistics.mean(alone)
    yield Row(f"hash alone, {cores}", peer, "/s")
    yield Row(f"log-ins, hash on {cores}", logins["rate"], "/s", 0.9 * peer, "at least")
    yield Row("ping, idle, p99", idle, "ms")
    yield Row(f"ping while log-ins saturate {cores}, p99", busy, "ms", 3 * idle)


def _hash_alone(threads: int) -> float:
    return float(output_of(helper("hash_alone", threads, 5)))


def _unknown_and_known(bench: Bench, email: str) -> Row:
    """By how much the medians of failed log-ins differ."""
    client = http.client.HTTPConnection("127.0.0.1", bench.system.public["identity"], timeout=10)
    times: dict[str, list[float]] = {email: [], "nobody@example.com": []}
    for _ in range(FAILURES):
        for each, samples in times.items():
            begun = time.perf_counter()
            status, _ = _posted(client, "sessions", f"email={each}&password=wrong")
            samples.append(time.perf_counter() - begun)
            assert status == http.HTTPStatus.UNAUTHORIZED
    known, unknown = (statistics.median(samples) for samples in times.values())
    return Row("failed log-in, unknown beside known e-mail", abs(unknown / known - 1) * 100, "%", 5)


def _signed_up(bench: Bench, number: int) -> str:
    email = f"bench{number}@example.com"
    client = http.client.HTTPConnection("127.0.0.1", bench.system.public["identity"], timeout=10)
    status, body = _posted(client, "users", f"email={email}&password={PASSWORD}")
    assert status == http.HTTPStatus.CREATED, body
    return email


def _posted(client: http.client.HTTPConnection, path: str, body: str) -> tuple[int, bytes]:
    client.request("POST", f"/api/v2/identity/{path}", body, _FORM)
    response = client.getresponse()
    return response.status, response.read()
