"""Sessions: the session cookie, CSRF tokens, client binding, and the cache of sessions."""

import hmac
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from ipaddress import ip_network
from typing import Protocol

from multidict import MultiMapping
from prometheus_client import CollectorRegistry

from authz_gateway.authn.errors import (
    InvalidSession,
    MissingCsrfToken,
    UserNotActive,
)
from authz_gateway.authn.lookup_cache import (
    MAX_NEGATIVE_ENTRIES,
    Entry,
    LookupCache,
    seconds_of_token,
)
from shared.contracts.sessions import (
    ResolvedSession,
    csrf_digest,
    session_key,
    without_versions,
)
from shared.errors import NotFound
from shared.values.addresses import Address, Network
from shared.web.cookies import cookies


def session_cookies(headers: MultiMapping[str], name: str) -> tuple[str, ...]:
    """The values of the session cookies, `MAX_COOKIES` at most: any may be valid.

    Raises `InvalidSession` without one.
    """
    found = cookies(headers, name)
    if not found:
        raise InvalidSession
    return found


def without_session_cookie(values: Iterable[str], name: str) -> str:
    """The Cookie headers as one value without the session cookie; may be empty."""
    return "; ".join(pair for pair in _pairs(values) if _name(pair) != name)


def _pairs(values: Iterable[str]) -> list[str]:
    """The name-value pairs (RFC 6265, 4.2.1); quotes have no meaning."""
    pairs = (pair.strip(" \t") for header in values for pair in header.split(";"))
    return [pair for pair in pairs if pair]


def _name(pair: str) -> str:
    return pair.partition("=")[0].strip(" \t")


CSRF_EXEMPT = frozenset({"GET", "HEAD", "OPTIONS"})
"""Safe methods. Every other method needs a CSRF token, unknown methods as well."""
USABLE_STATES = frozenset({"active", "pending"})


def presented_csrf_token(headers: MultiMapping[str]) -> str:
    """The CSRF token that the client sends; raises `MissingCsrfToken`."""
    token = headers.get("X-CSRF-Token", "")
    if not token:
        raise MissingCsrfToken
    return token


def csrf_token_matches(token: str, session: ResolvedSession) -> bool:
    """Whether the token belongs to the session; compares in constant time."""
    return hmac.compare_digest(csrf_digest(token), session.csrf_digest)


def require_usable(state: str) -> None:
    """Raises `UserNotActive` unless users in this state may make calls."""
    if state not in USABLE_STATES:
        raise UserNotActive


@dataclass(frozen=True, slots=True)
class Binding:
    """Binds a session to the client that opened it.

    `user_agent`: to its User-Agent without versions, so that an update does not end the session.
    `network`: to its networks, one for IPv4 and one for IPv6.
    """

    user_agent: bool
    network: bool

    def broken(self, session: ResolvedSession, user_agent: str, address: Address) -> bool:
        """Whether this is another client; an address of a new family counts as one, too."""
        return (
            self.user_agent and without_versions(user_agent) != without_versions(session.user_agent)
        ) or (self.network and not any(address in network for network in _networks(session)))

    def unseen(self, session: ResolvedSession, address: Address) -> bool:
        """Whether no address of this family, IPv4 or IPv6, has used the session yet."""
        return self.network and all(
            address.version != network.version for network in _networks(session)
        )


_network = lru_cache(maxsize=10_000)(ip_network)


def _networks(session: ResolvedSession) -> list[Network]:
    return [_network(text) for text in (session.network, session.other_network) if text is not None]


MAX_SESSIONS = 100_000


class SessionSource(Protocol):
    """The part of identity-svc's API that the cache uses."""

    async def resolve_session(self, key: str) -> ResolvedSession:
        """The session with this `session_key`; raises `NotFound`."""
        ...

    async def resolve_session_by_sid(self, sid: str) -> ResolvedSession:
        """The session with this id; raises `NotFound`."""
        ...

    async def take_in_network(self, sid: str, address: str) -> ResolvedSession:
        """Binds the session to the address's network, too; raises `NotFound`."""
        ...

    async def revoke_session(self, sid: str) -> None:
        """Revokes a session."""
        ...


class SessionCache:
    """Caches valid sessions by cookie and by `sid`."""

    def __init__(
        self,
        identity: SessionSource,
        registry: CollectorRegistry,
        *,
        capacity: int = MAX_SESSIONS,
        negative_capacity: int = MAX_NEGATIVE_ENTRIES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._identity = identity
        self._cache = LookupCache[ResolvedSession](
            "session",
            registry,
            subjects=_subjects,
            seconds=_max_age,
            capacity=capacity,
            negative_capacity=negative_capacity,
            clock=clock,
        )

    async def by_cookie(self, cookie: str) -> ResolvedSession | None:
        """The session of a cookie, None without one; raises `Unavailable`."""
        key = session_key(cookie)
        cache_key = f"key:{key}"
        return self._cache.get_cached(cache_key) or await self._cache.get(
            cache_key, partial(self._identity.resolve_session, key)
        )

    def entry(self, key: str) -> Entry[ResolvedSession] | None:
        """The cached session with this `session_key`, with its expiry; None without one."""
        return self._cache.entry(f"key:{key}")

    async def by_sid(self, sid: str) -> ResolvedSession | None:
        """The session of a bearer token, None when it ended; raises `Unavailable`."""
        load = partial(self._identity.resolve_session_by_sid, sid)
        return await self._cache.get(f"sid:{sid}", load)

    async def add_network(
        self, session: ResolvedSession, address: Address
    ) -> ResolvedSession | None:
        """Binds a session to the network of an address, unless it has one of that family.

        Returns the session, None when it ended meanwhile; raises `Unavailable`.
        """
        try:
            bound = await self._identity.take_in_network(session.sid, str(address))
        except NotFound:
            bound = None
        self.invalidate_session(session.sid)
        return bound

    async def revoke(self, sid: str) -> None:
        """Revokes a session; raises `Unavailable`."""
        await self._identity.revoke_session(sid)
        self.invalidate_session(sid)

    def invalidate_session(self, sid: str) -> None:
        """Drops a session that changed or ended."""
        self._cache.invalidate(f"sid:{sid}")

    def invalidate_user(self, uid: str) -> None:
        """Drops all sessions of a user."""
        self._cache.invalidate(f"uid:{uid}")

    def invalidate_all(self) -> None:
        """Drops all sessions, because events were missed."""
        self._cache.invalidate_all()


def _subjects(session: ResolvedSession) -> tuple[str, str]:
    return f"sid:{session.sid}", f"uid:{session.user.uid}"


def _max_age(session: ResolvedSession, now: datetime) -> float:
    left = (session.expires_at - now).total_seconds()
    return min(left, seconds_of_token(session.token_expires_at, now))
