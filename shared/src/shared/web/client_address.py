"""Whose address a call comes from, behind proxies that are trusted and others that are not."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_LONGEST = 64  # an IPv6 address has 45 characters at most, and a zone behind it is short

_WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.]+(?:%[^\]]*)?)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")
"""What some proxies write: `203.0.113.9:5555`, `[2001:db8::1]:443`, `[2001:db8::1]`."""


def networks(text: str) -> tuple[Network, ...]:
    """The networks of a comma separated list in CIDR notation; raises ValueError."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def client_address(peer: str, forwarded_for: Iterable[str], trusted: Sequence[Network]) -> Address:
    """The rightmost address of the chain that no trusted proxy stands for.

    `forwarded_for` are the values of all X-Forwarded-For headers, in order. An entry that is no
    address ends the walk: what stands left of it was written by someone untrusted. An entry's port
    is dropped.
    """
    address = address_of(peer) or IPv4Address(0)
    chain = [entry.strip() for value in forwarded_for for entry in value.split(",")]
    while chain and any(address in network for network in trusted):
        entry = address_of(_without_port(chain.pop()))
        if entry is None:
            break
        address = entry
    return address


def _without_port(entry: str) -> str:
    with_port = _WITH_PORT.fullmatch(entry) if len(entry) <= _LONGEST else None
    return (with_port[1] or with_port[2]) if with_port else entry


def address_of(text: str) -> Address | None:
    """The address that `text` is, without its zone and IPv4 where it stands for that; or None."""
    return _address(text) if len(text) <= _LONGEST else None


@lru_cache(maxsize=10_000)
def subscriber(address: Address) -> str:
    """What one subscriber has: an IPv4 address, or an IPv6 /64, any address of which is free."""
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
