"""A pod that has ended, and to which Kubernetes still sends connections: they are refused.

Rules of iptables spread connections over pods, as kube-proxy does.
"""

import asyncio
import dataclasses
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import aiohttp
import pytest

from deploy.local import ports
from shared.process import running
from tests.support.client import USER_AGENT, Client
from tests.support.internal import identity_of
from tests.support.replicas import gateway_of
from tests.support.system import Installation

pytestmark = [
    pytest.mark.xdist_group("machine"),
    pytest.mark.skipif(
        os.geteuid() != 0 or shutil.which("iptables") is None,
        reason="connections are spread by iptables, as root",
    ),
]
_FREE = {"BARONG_PORT": "0", "BARONG_INTERNAL_PORT": "0"}
AT_ONCE = 16
"""So many connections that one is refused four times: each time half of those that are left."""


@contextmanager
def half_ended(port: int) -> Iterator[int]:
    """The port of a Service with two pods: `port`, and one where nobody listens any more.

    Every second connection goes to each of them.
    """
    with socket.socket() as ended, ExitStack() as rules:
        ended.bind(("127.0.0.1", 0))  # taken, and not listening
        (service,) = ports.free_ports(1)
        every_second = ("-m", "statistic", "--mode", "nth", "--every", "2", "--packet", "0")
        for choice, target in ((every_second, ended.getsockname()[1]), ((), port)):
            rule = (
                *("OUTPUT", "-t", "nat", "-p", "tcp", "-d", "127.0.0.1", "--dport", str(service)),
                *(*choice, "-j", "REDIRECT", "--to-ports", str(target)),
            )
            done = subprocess.run(("iptables", "-A", *rule), capture_output=True, text=True)
            if done.returncode:
                pytest.skip(f"this machine takes no rules: {done.stderr.strip()}")
            rules.callback(subprocess.run, ("iptables", "-D", *rule), check=True)
        yield service


async def test_the_gateway_forwards_calls_to_the_other_pod(system: Installation) -> None:
    with half_ended(system.public["resource"]) as resource:
        url = f"http://127.0.0.1:{resource}"
        async with gateway_of(system, BARONG_RESOURCE_URL=url) as replica, Client(system) as member:
            await member.become_member()
            headers = {"Cookie": f"_barong_session={member.cookie}", "User-Agent": USER_AGENT}
            async with aiohttp.ClientSession(replica.gateway_url, headers=headers) as http:

                async def status() -> int:
                    async with http.get("/api/v2/barong/resource/users/me") as response:
                        return response.status

                statuses = await asyncio.gather(*(status() for _ in range(AT_ONCE)))
            assert statuses == [200] * AT_ONCE


async def test_services_ask_the_other_pod(system: Installation) -> None:
    with half_ended(system.internal["identity"]) as identity:
        spread = dataclasses.replace(system, internal={**system.internal, "identity": identity})
        async with identity_of(spread) as client:
            assert all(await asyncio.gather(*(client.jwks() for _ in range(AT_ONCE))))


async def test_pages_are_made_by_the_other_gateway(system: Installation) -> None:
    with half_ended(system.public["gateway"]) as gateway:
        settings = {**_FREE, "BARONG_GATEWAY_URL": f"http://127.0.0.1:{gateway}"}
        async with (
            running(system.service("console", **settings)) as console,
            aiohttp.ClientSession(console.public, headers={"User-Agent": USER_AGENT}) as http,
        ):

            async def status() -> int:
                async with http.get("/account/log-in") as response:
                    return response.status

            statuses = await asyncio.gather(*(status() for _ in range(AT_ONCE)))
        assert statuses == [200] * AT_ONCE
