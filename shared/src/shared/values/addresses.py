"""IP addresses and networks of clients."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LONGEST = 64
"""The longest text that is read as an address: 45 characters at most, and a short zone."""


def networks(text: str) -> tuple[Network, ...]:
    """The networks of a comma separated list in CIDR notation; raises ValueError."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def address_of(text: str) -> Address | None:
    """The address in a text, without its zone; IPv4 in IPv6 becomes IPv4. None for other texts."""
    return _address(text) if len(text) <= LONGEST else None


@lru_cache(maxsize=10_000)
def subscriber(address: Address) -> str:
    """The addresses of one subscriber: an IPv4 address, or the IPv6 /64, of which all are free."""
    if address.version == 4:
        return str(address)
    return str(ip_network((int(address) >> 64 << 64, 64)))


@lru_cache(maxsize=10_000)
def _address(text: str) -> Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
