"""Connections to servers whose address somebody else chose; never to our own network."""

import socket
import ssl
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from shared.values.addresses import Network, address_of, may_be_called
from shared.version import VERSION

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

    context = ssl.create_default_context()  # which reads SSL_CERT_FILE now, not at import
    return aiohttp.TCPConnector(
        limit=0, use_dns_cache=False, socket_factory=checked_socket, ssl=context
    )


@asynccontextmanager
async def outside_session(
    sender: str, allowed: Collection[Network], limits: aiohttp.ClientTimeout
) -> AsyncIterator[aiohttp.ClientSession]:
    """Connections through such a connector, for the time of the block.

    There are no cookies, and proxies of the environment are not used. Answers are not decompressed,
    so a compressed one cannot grow here. The User-Agent names the `sender`. Callers follow no
    redirects.
    """
    async with aiohttp.ClientSession(
        connector=outside_connector(allowed),
        timeout=limits,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        headers={"User-Agent": f"Barong-{sender}/{VERSION}", "Accept-Encoding": "identity"},
    ) as session:
        yield session
