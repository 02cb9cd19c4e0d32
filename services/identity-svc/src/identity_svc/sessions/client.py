"""Who a session is opened by, as far as the connection tells."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from aiohttp import web

from shared.web.client_address import Address
from shared.web.context import CLIENT_ADDRESS

MAX_USER_AGENT = 512


@dataclass(frozen=True, slots=True)
class Client:
    """An address and the User-Agent that it sent, cut to 512 characters."""

    address: Address
    user_agent: str

    @property
    def network(self) -> IPv4Network | IPv6Network:
        """The network that a session is bound to: IPv4 /16, IPv6 /96."""
        return ip_network((self.address, 16 if self.address.version == 4 else 96), strict=False)


def client_of(request: web.Request) -> Client:
    """The client of a request."""
    user_agent = request.headers.get("User-Agent", "")
    clean = user_agent.encode("utf-8", "replace").decode().replace("\x00", "")
    return Client(request[CLIENT_ADDRESS], clean[:MAX_USER_AGENT])
