"""Processes that take ports at the same time keep out of each other's way."""

import itertools
import os
import socket
import subprocess
import sys

import pytest

from deploy.local import ports

TAKE = "from deploy.local import ports; print(*ports.free_ports(100))"


def taken(environment: dict[str, str]) -> set[int]:
    """The ports that a process with this environment takes."""
    done = subprocess.run(
        [sys.executable, "-c", TAKE],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return {int(port) for port in done.stdout.split()}


@pytest.mark.parametrize("count", [1, 3])
def test_each_takes_ports_of_its_share(count: int) -> None:
    shares = [taken(ports.share(number, count)) for number in range(count)]
    assert [len(share) for share in shares] == [100] * count
    assert not any(one & other for one, other in itertools.combinations(shares, 2))


def test_a_share_that_is_used_up_says_so() -> None:
    with socket.create_server((ports.LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(subprocess.CalledProcessError) as failed:
            taken({ports.SETTING: f"{port}-{port}"})
    assert f"no 100 free ports between {port}" in failed.value.stderr
