"""Sessions, as they are stored and shown, and why there is none."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_network

from shared.contracts.authentication import Authentication
from shared.contracts.users import User
from shared.errors import NotFound
from shared.values.addresses import Address


class NoSession(NotFound):
    """There is no session to end or to show."""

    codes = ("identity.session.not_found",)


class UnknownSession(NotFound):
    """No living session has this key or sid."""

    codes = ("authz.invalid_session",)


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long a session lives after its last use, and how long at most, in seconds."""

    seconds: int
    absolute_seconds: int

    @property
    def step(self) -> float:
        """How many seconds of its life a session may use up before its end is moved.

        The session may end too early by that much: a minute, or a thirtieth of a life under half an
        hour. Each move is a write, and a session in use is resolved every few seconds.
        """
        return min(60.0, self.seconds / 30)


@dataclass(frozen=True, slots=True)
class Origin:
    """Whether an account had been used from a device, and from a network, before.

    A device is known by its User-Agent without versions, a network as sessions are bound to it.
    Neither is new to an account of which no origin is known.
    """

    new_device: bool
    new_network: bool


ORIGINS_PER_USER = 50
"""The origins that are stored of a user; one more replaces the one that was unused for longest."""

ORIGIN_DAYS = 180
"""The days after which an origin that was not used is forgotten."""


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A new session, with the secrets that only its client is given, and only once."""

    user: User
    cookie: str = field(repr=False)
    csrf_token: str = field(repr=False)
    bearer: str = field(repr=False)
    origin: Origin


@dataclass(frozen=True, slots=True)
class LivingSession:
    """A session that has just been used."""

    sid: str
    user: User
    csrf_digest: str
    user_agent: str
    network: str
    other_network: str | None
    expires_at: datetime
    authentication: Authentication


@dataclass(frozen=True, slots=True)
class ListedSession:
    """A living session as its user may see it."""

    sid: str
    address: str
    user_agent: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class CurrentSession:
    """The session of a call.

    `csrf_token` is None for a caller without the session's cookie, and for sessions that were
    opened before tokens could be derived.
    """

    session: ListedSession
    csrf_token: str | None = field(repr=False)
    authentication: Authentication


@dataclass(frozen=True, slots=True)
class EndedSession:
    """A session that has just ended, and its user."""

    sid: uuid.UUID
    user: User


def network_of(address: Address) -> IPv4Network | IPv6Network:
    """The network to which a session is bound: IPv4 /16, IPv6 /64."""
    return ip_network((address, 16 if address.version == 4 else 64), strict=False)
