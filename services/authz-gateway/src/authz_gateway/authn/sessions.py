"""Sessions: the cookie, what it asks of a call, and sessions as identity-svc resolves them."""

import hmac
import re
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
from authz_gateway.authn.lookup_cache import Entry, LookupCache, seconds_of_token
from shared.contracts.activities import MAX_USER_AGENT, storable
from shared.contracts.sessions import ResolvedSession, csrf_digest, session_key
from shared.errors import NotFound
from shared.values.addresses import Address, Network
from shared.web.cookies import cookies


def session_cookies(headers: MultiMapping[str], name: str) -> tuple[str, ...]:
    """The values of the session cookie, of which any may be a living session's.

    There are `MAX_COOKIES` at most. Raises `InvalidSession` when there is none.
    """
    found = cookies(headers, name)
    if not found:
        raise InvalidSession
    return found


def without_session_cookie(values: Iterable[str], name: str) -> str:
    """The Cookie header's values as one, less the session cookie; empty when nothing is left."""
    return "; ".join(pair for pair in _pairs(values) if _name(pair) != name)


def _pairs(values: Iterable[str]) -> list[str]:
    """RFC 6265, 4.2.1: quotes have no meaning here."""
    pairs = (pair.strip(" \t") for header in values for pair in header.split(";"))
    return [pair for pair in pairs if pair]


def _name(pair: str) -> str:
    return pair.partition("=")[0].strip(" \t")


CSRF_EXEMPT = frozenset({"GET", "HEAD", "OPTIONS"})
"""Every other method needs a CSRF token: who knows what an upstream's own verb does."""
USABLE_STATES = frozenset({"active", "pending"})


def presented_csrf_token(headers: MultiMapping[str]) -> str:
    """The CSRF token that the client sends; raises `MissingCsrfToken`."""
    token = headers.get("X-CSRF-Token", "")
    if not token:
        raise MissingCsrfToken
    return token


def csrf_token_matches(token: str, session: ResolvedSession) -> bool:
    """Whether the token is the session's."""
    return hmac.compare_digest(csrf_digest(token), session.csrf_digest)


def require_usable(state: str) -> None:
    """Raises `UserNotActive` unless a user in this state may call anything."""
    if state not in USABLE_STATES:
        raise UserNotActive


@dataclass(frozen=True, slots=True)
class Binding:
    """What ties a session to the client that opened it.

    `user_agent`: its User-Agent, but for versions, so that an update does not end the session.
    `network`: its networks, one of IPv4 and one of IPv6.
    """

    user_agent: bool
    network: bool

    def broken(self, session: ResolvedSession, user_agent: str, address: Address) -> bool:
        """Whether this client is another one, an address of a family not seen yet included."""
        return (
            self.user_agent and without_versions(user_agent) != without_versions(session.user_agent)
        ) or (self.network and not any(address in network for network in _networks(session)))

    def unseen(self, session: ResolvedSession, address: Address) -> bool:
        """Whether no address of this family has used the session yet."""
        return self.network and all(
            address.version != network.version for network in _networks(session)
        )


_network = lru_cache(maxsize=10_000)(ip_network)


def _networks(session: ResolvedSession) -> list[Network]:
    return [_network(text) for text in (session.network, session.other_network) if text is not None]


_PRODUCT_VERSION = re.compile(r"/[^\s;)]+")
_NUMBER = re.compile(r"(?<![A-Za-z0-9._])[0-9]+(?:[._][0-9]+)*")


@lru_cache(maxsize=4096)
def _without_versions(user_agent: str) -> str:
    return _NUMBER.sub("", _PRODUCT_VERSION.sub("", user_agent))


def without_versions(user_agent: str) -> str:
    """A User-Agent less the versions of products (RFC 9110, 10.1.5) and systems.

    `Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0` becomes
    `Mozilla (X11; Linux x86_64; rv:) Gecko Firefox`.
    """
    return _without_versions(storable(user_agent, MAX_USER_AGENT))


MAX_SESSIONS = 100_000


class SessionSource(Protocol):
    """What the cache asks of identity-svc."""

    async def resolve_session(self, key: str) -> ResolvedSession:
        """The session kept under `key`; raises `NotFound`."""
        ...

    async def resolve_session_by_sid(self, sid: str) -> ResolvedSession:
        """The session with this id; raises `NotFound`."""
        ...

    async def take_in_network(self, sid: str, address: str) -> ResolvedSession:
        """The session, bound to the address's network, too; raises `NotFound`."""
        ...

    async def revoke_session(self, sid: str) -> None:
        """Ends a session."""
        ...


class SessionCache:
    """Living sessions by cookie and by `sid`."""

    def __init__(
        self,
        identity: SessionSource,
        registry: CollectorRegistry,
        *,
        capacity: int = MAX_SESSIONS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._identity = identity
        self._cache = LookupCache[ResolvedSession](
            "session",
            registry,
            subjects=_subjects,
            seconds=_held_for,
            capacity=capacity,
            clock=clock,
        )

    async def by_cookie(self, cookie: str) -> ResolvedSession | None:
        """The session of a cookie, None when there is none; raises `Unavailable`."""
        key = session_key(cookie)
        held_as = f"key:{key}"
        return self._cache.held(held_as) or await self._cache.get(
            held_as, partial(self._identity.resolve_session, key)
        )

    def entry(self, key: str) -> Entry[ResolvedSession] | None:
        """The session under a key (`session_key`), and when it expires; None where it is not."""
        return self._cache.entry(f"key:{key}")

    async def by_sid(self, sid: str) -> ResolvedSession | None:
        """The session behind a bearer, None when it ended; raises `Unavailable`."""
        ask = partial(self._identity.resolve_session_by_sid, sid)
        return await self._cache.get(f"sid:{sid}", ask)

    async def take_in(self, session: ResolvedSession, address: Address) -> ResolvedSession | None:
        """The session, bound to the address's network if it was to none of that family.

        None when it ended meanwhile; raises `Unavailable`.
        """
        try:
            bound = await self._identity.take_in_network(session.sid, str(address))
        except NotFound:
            bound = None
        self.forget_session(session.sid)
        return bound

    async def revoke(self, sid: str) -> None:
        """Ends a session, everywhere; raises `Unavailable`."""
        await self._identity.revoke_session(sid)
        self.forget_session(sid)

    def forget_session(self, sid: str) -> None:
        """The session changed or ended."""
        self._cache.forget(f"sid:{sid}")

    def forget_user(self, uid: str) -> None:
        """The user changed, or all their sessions ended."""
        self._cache.forget(f"uid:{uid}")

    def forget_everything(self) -> None:
        """Events were missed."""
        self._cache.forget_everything()


def _subjects(session: ResolvedSession) -> tuple[str, str]:
    return f"sid:{session.sid}", f"uid:{session.user.uid}"


def _held_for(session: ResolvedSession, now: datetime) -> float:
    left = (session.expires_at - now).total_seconds()
    return min(left, seconds_of_token(session.token_expires_at, now))
