"""The network that a session is bound to."""

from ipaddress import IPv4Network, IPv6Network, ip_network

from shared.web.client_address import Address


def network_of(address: Address) -> IPv4Network | IPv6Network:
    """The network around an address: IPv4 /16, IPv6 /64."""
    return ip_network((address, 16 if address.version == 4 else 64), strict=False)
