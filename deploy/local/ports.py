"""Free TCP ports on the loopback address."""

import functools
import itertools
import os
import random
import socket
from collections.abc import Iterator, Mapping

LOOPBACK = "127.0.0.1"

SETTING = "BARONG_LOCAL_PORTS"
# Below the range from which kernels take the ports of outgoing connections: nothing but another
# listener can grab one of these between our look and the server's bind.
_FIRST, _LAST = 20_000, 31_999


def share(number: int, count: int) -> dict[str, str]:
    """Return the environment that keeps a process to part `number` of `count` of the ports.

    Processes that take ports at the same time need this: two of them may find the same port free.
    """
    size = (_LAST + 1 - _FIRST) // count
    first = _FIRST + number * size
    return {SETTING: f"{first}-{first + size - 1}"}


def _range(environment: Mapping[str, str]) -> range:
    first, _, last = environment.get(SETTING, f"{_FIRST}-{_LAST}").partition("-")
    return range(int(first), int(last) + 1)


@functools.cache
def _order() -> Iterator[int]:
    # Goes on where it stopped, so that a port is not given twice while its server is still
    # starting.
    ours = _range(os.environ)
    return itertools.cycle(random.sample(ours, len(ours)))


def is_free(port: int) -> bool:
    """Tell whether a server could listen on `port` now."""
    with socket.socket() as probe:
        # As servers do, so that the connections of one that just stopped do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def free_ports(count: int) -> list[int]:
    """Return `count` different ports on which nothing listens."""
    ours = _range(os.environ)
    candidates = itertools.islice(_order(), len(ours))
    found = list(itertools.islice(filter(is_free, candidates), count))
    if len(found) < count:
        raise OSError(f"no {count} free ports between {ours.start} and {ours.stop - 1}")
    return found
