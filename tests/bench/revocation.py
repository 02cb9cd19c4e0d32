"""How soon every replica of the gateway feels what ends or changes a caller's rights."""

import asyncio
import dataclasses
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import aiohttp

from deploy.local import ports
from tests.bench.installed import Bench, installed
from tests.bench.row import Row, percentile
from tests.client import Client
from tests.revocations import REVOCATIONS, Prepared, Revocation, subject_of
from tests.waiting import until

TIMES = 15
REPLICAS = 3
LIMIT_MILLISECONDS = 100
_LONGEST_SECONDS = 10
_ASK_SECONDS = 0.002


def rows() -> Iterator[Row]:
    """From the answer to the change until a replica's first answer that shows it."""
    with installed() as bench, ExitStack() as stack:
        stack.enter_context(bench.running())
        replicas = [_replica(bench) for _ in range(REPLICAS)]
        for replica in replicas:
            stack.enter_context(replica.process("gateway"))
        for replica in replicas:
            replica.wait("gateway")
        urls = [replica.system.gateway_url for replica in replicas]
        everything: list[float] = []
        for name, prepare in REVOCATIONS.items():
            felt = asyncio.run(_felt(bench, urls, prepare))
            everything += felt
            yield Row(f"{name}: felt by {REPLICAS} replicas, median", percentile(felt, 0.5), "ms")
        yield Row("any of these: p99", percentile(everything, 0.99), "ms", LIMIT_MILLISECONDS)
        yield Row("any of these: slowest", max(everything), "ms")


def _replica(bench: Bench) -> Bench:
    """One more gateway of the same system, on ports of its own."""
    public, internal = ports.free_ports(2)
    system = bench.system
    own = {"BARONG_PORT": str(public), "BARONG_INTERNAL_PORT": str(internal)}
    environment = {**system.environments["gateway"], **own}
    beside = dataclasses.replace(
        system,
        public={**system.public, "gateway": public},
        internal={**system.internal, "gateway": internal},
        environments={**system.environments, "gateway": environment},
    )
    return dataclasses.replace(bench, system=beside)


async def _felt(bench: Bench, urls: Sequence[str], prepare: Prepared) -> list[float]:
    """Milliseconds, one for each replica and time."""
    felt = []
    async with Client(bench.system) as admin, aiohttp.ClientSession() as http:
        await admin.log_in_as_superadmin()
        for _ in range(TIMES):
            async with Client(bench.system) as browser:
                revocation = await prepare(await subject_of(browser, admin))
                for url in urls:
                    assert await _status(http, url, revocation) == revocation.before
                await revocation.make()
                made = time.perf_counter()
                moments = await asyncio.gather(*(_until_felt(http, u, revocation) for u in urls))
                felt += [(moment - made) * 1000 for moment in moments]
    return felt


async def _until_felt(http: aiohttp.ClientSession, url: str, revocation: Revocation) -> float:
    """The moment when it was."""

    async def felt() -> float:
        answer = await _status(http, url, revocation)
        return time.perf_counter() if answer == revocation.after else 0

    return await until(felt, _LONGEST_SECONDS, every=_ASK_SECONDS)


async def _status(http: aiohttp.ClientSession, url: str, revocation: Revocation) -> int:
    path = f"{url}/api/v2/barong/{revocation.path}"
    async with http.get(path, headers=revocation.headers()) as got:
        return got.status
