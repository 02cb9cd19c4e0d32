"""The socket of a server that listens to both address families."""

import socket

BOTH_FAMILIES = "::"


def own_socket(host: str, port: int, backlog: int) -> socket.socket | None:
    """For `::` a socket that takes IPv6 and IPv4, None for another host.

    asyncio makes IPv6 sockets for IPv6 alone. Raises OSError.
    """
    if host != BOTH_FAMILIES:
        return None
    return socket.create_server(
        (host, port), family=socket.AF_INET6, backlog=backlog, dualstack_ipv6=True
    )


def url_of(name: tuple[str, int]) -> str:
    """The address at which a socket with this name answers."""
    host, port = name
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
