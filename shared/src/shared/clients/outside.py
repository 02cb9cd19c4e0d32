"""Connections to servers that somebody else named, never to our own network."""

import socket
from collections.abc import Collection
from typing import Any

import aiohttp

from shared.values.addresses import Network, address_of, may_be_called

FORBIDDEN = "the address is not public"


def outside_connector(allowed: Collection[Network]) -> aiohttp.TCPConnector:
    """A connector that reaches public addresses and the `allowed` networks only.

    The address is checked where the connection is made, after the name was resolved: no answer of
    a name server can lead to a private address. Names are resolved anew for each connection.
    """

    def checked_socket(info: Any) -> socket.socket:
        family, kind, protocol, _, place = info
        address = address_of(place[0])
        if address is None or not may_be_called(address, allowed):
            raise OSError(FORBIDDEN)
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made

    return aiohttp.TCPConnector(limit=0, use_dns_cache=False, socket_factory=checked_socket)
