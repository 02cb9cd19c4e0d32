"""IP addresses and networks of clients."""

from collections.abc import Collection
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NAT64 = IPv6Network("64:ff9b::/96")
_OF_MACHINES = (IPv4Network("168.63.129.16/32"), IPv4Network("192.0.0.0/24"))
"""Where clouds serve their machines, also metadata, at addresses that look public.

The first is Azure's. Oracle's is one of the second, which is for protocols (RFC 6890).
"""

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


def may_be_called(address: Address, allowed: Collection[Network]) -> bool:
    """Whether we may connect to an address that somebody else named.

    That is a public one, or one of the `allowed` networks. An IPv6 address that stands for an IPv4
    address is judged as that: mapped (RFC 4291, 2.5.5.2), NAT64 (RFC 6052), 6to4 and Teredo ones.
    """
    if any(address in network for network in allowed):
        return True
    inner = _inside(address) if isinstance(address, IPv6Address) else None
    if inner is not None:
        return may_be_called(inner, allowed)
    if any(address in network for network in _OF_MACHINES):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _inside(address: IPv6Address) -> IPv4Address | None:
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
