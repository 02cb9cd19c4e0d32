"""Requests of devices, the codes that users type, and limits to guessing them."""

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_network
from uuid import UUID

from oauth_svc.protocol.client import Client
from oauth_svc.protocol.device_authorization import ALPHABET, CODE_LENGTH, DeviceCode
from shared.crypto.key_ring import KeyRing
from shared.errors import NotFound
from shared.values.addresses import Address, Network

WINDOW = timedelta(minutes=15)
"""The window in which wrong codes are counted; longer than most codes live."""

PER_USER = 10
"""Wrong codes in a window, in all sessions of a user together."""

PER_NETWORK = 50
"""Wrong codes in a window, of all users of an address (IPv6: a /64): an office may share one."""


class UnknownUserCode(NotFound):
    """No device shows this code, or it has expired, or it was answered."""

    codes = ("oauth.device.unknown_code",)


class DeviceRequestNotFound(NotFound):
    """The session has looked up no such request, or it has expired, or it was answered."""

    codes = ("oauth.device.doesnt_exist",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """From where a device asked: its address and its User-Agent."""

    address: Address
    user_agent: str

    def is_near(self, address: Address) -> bool:
        """Whether somebody at `address` is in the same network as the device."""
        return network_of(self.address) == network_of(address)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRequest:
    """A device's request as it is stored.

    `grant_id` is the grant that its user gave. `found_at` is when it was read: all its times are
    the database's.
    """

    code: DeviceCode
    scopes: Sequence[str]
    resources: Sequence[str]
    origin: Origin
    created_at: datetime
    found_at: datetime
    grant_id: UUID | None
    used: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRequest:
    """A device's request as its user sees it before they answer."""

    request: StoredRequest
    client: Client


def network_of(address: Address) -> Network:
    """What counts as one network: an IPv4 address, an IPv6 /64, as one subscriber has it."""
    return ip_network((address, 32 if address.version == 4 else 64), strict=False)


class UserCodes:
    """Makes user codes, and their digests.

    A code has too few bits for a plain digest. It is stored as an HMAC, so that a copy of the
    table does not show it. The key comes from the keys of the services: each of them may be the
    one that made a digest.
    """

    def __init__(self, ring: KeyRing) -> None:
        self._keys = [hmac.digest(key, b"oauth user codes", "sha256") for key in ring.keys.values()]

    def new(self) -> str:
        """A random code."""
        return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))

    def digest(self, code: str) -> bytes:
        """As the code is stored."""
        return self.digests(code)[0]

    def digests(self, code: str) -> list[bytes]:
        """As the code may have been stored."""
        return [hmac.digest(key, code.encode(), "sha256") for key in self._keys]

    def digests_of_guesser(self, uid: str, address: Address) -> tuple[bytes, bytes]:
        """The keys under which guesses of a user, and of their network, are counted."""
        names = (f"user {uid}", f"network {network_of(address)}")
        user, net = (hmac.digest(self._keys[0], name.encode(), "sha256") for name in names)
        return user, net
