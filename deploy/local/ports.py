"""Free TCP ports on the loopback address."""

import itertools
import random
import socket

LOOPBACK = "127.0.0.1"

# Below the range from which kernels take the ports of outgoing connections: nothing but another
# listener can grab one of these between our look and the server's bind.
_RANGE = range(20_000, 32_000)
# Goes on where it stopped, so that a port is not given twice while its server is still starting.
_order = itertools.cycle(random.sample(_RANGE, len(_RANGE)))


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
    candidates = itertools.islice(_order, len(_RANGE))
    found = list(itertools.islice(filter(is_free, candidates), count))
    if len(found) < count:
        raise OSError(f"no {count} free ports between {_RANGE.start} and {_RANGE.stop}")
    return found
