"""The address of the client of a call, behind trusted and other proxies."""

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address

from shared.values.addresses import LONGEST, Address, Network, address_of

_WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.]+(?:%[^\]]*)?)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")
"""Entries of some proxies: `203.0.113.9:5555`, `[2001:db8::1]:443`, `[2001:db8::1]`."""


def client_address(peer: str, forwarded_for: Iterable[str], trusted: Sequence[Network]) -> Address:
    """The rightmost address of the chain that is not a trusted proxy's.

    `forwarded_for` are the values of all X-Forwarded-For headers, in order. An entry that is no
    address ends the walk: entries left of it were written by untrusted clients. An entry's port
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
    with_port = _WITH_PORT.fullmatch(entry) if len(entry) <= LONGEST else None
    return (with_port[1] or with_port[2]) if with_port else entry
