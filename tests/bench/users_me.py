"""How many callers can ask who they are, through the gateway and at resource-svc itself."""

import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from deploy.local import ports
from tests.bench.installed import helper, installed
from tests.bench.member import member_of
from tests.bench.row import Row
from tests.bench.wrk_load import saturating, steady

WANTED = 2500
SECONDS = 8
PATH = "/api/v2/barong/resource/users/me"
_TRIES = 200
_PRODUCTION = {
    "BARONG_ENV": "production",
    "BARONG_PHONE_VERIFICATION": "twilio_sms",
    "BARONG_TWILIO_ACCOUNT_SID": "nobody",
    "BARONG_TWILIO_AUTH_TOKEN": "nothing",
    "BARONG_TWILIO_PHONE_NUMBER": "+15005550006",
}
"""As it is where speed counts: logs are JSON. No message is sent."""


def rows() -> Iterator[Row]:
    """Everything shares the cores: five services, PostgreSQL, RabbitMQ and wrk."""
    with installed(**_PRODUCTION) as bench, bench.running():
        member = member_of(bench)
        resource = f"{bench.system.public_url('resource')}/api/v2/resource/users/me"
        gateway = bench.system.gateway_url + PATH
        size = len(_answer(gateway, member.at_gateway))
        with _plain_handler(size) as url:
            plain = saturating(url, {}, SECONDS // 2).rate
            yield Row(f"plain aiohttp handler, {size} bytes", plain, "/s")
            alone = saturating(resource, member.at_services, SECONDS)
            yield Row("users/me, resource-svc alone", alone.rate, "/s")
            yield Row("users/me, resource-svc alone, of the plain handler", alone.rate / plain, "")
            through = saturating(gateway, member.at_gateway, SECONDS)
            yield Row("users/me, through the gateway", through.rate, "/s", WANTED, "at least")
            share = through.rate / plain
            yield Row("users/me, through the gateway, of the plain handler", share, "")
        half = steady(gateway, member.at_gateway, SECONDS, WANTED / 2)
        yield Row("users/me, through the gateway at half that load: rate", half.rate, "/s")
        yield Row("users/me, through the gateway at half that load: p50", half.median, "ms")
        yield Row("users/me, through the gateway at half that load: p99", half.p99, "ms", 25)


def _answer(url: str, headers: Mapping[str, str]) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, headers=dict(headers))) as response:
        content: bytes = response.read()
        return content


@contextmanager
def _plain_handler(size: int) -> Iterator[str]:
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
        yield url
    finally:
        process.kill()
        process.wait()
