"""What follows from the end of a session: tokens end, and clients get log-outs."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import aiohttp
import structlog
from prometheus_client import Counter, Gauge

from oauth_svc.clients.use_cases import Clients
from oauth_svc.core import Core
from oauth_svc.logout import store
from oauth_svc.logout.models import LOGOUT_TOKEN_TYPE, Logout, claims_of, delay_after
from oauth_svc.protocol.client import Client
from oauth_svc.tokens.use_cases import Tokens
from shared.clients.identity import IdentityClient
from shared.clients.outside import outside_session
from shared.database.pool import Connection, Database
from shared.values.addresses import Network

log = structlog.get_logger()

_TIMEOUT = aiohttp.ClientTimeout(total=10, connect=5)
_CLAIMED = 20
_LEASE = timedelta(seconds=60)
_POLL_SECONDS = 1.0


class LogoutSender:
    """Connections to clients, never to an address of our own network."""

    def __init__(self, allowed: Sequence[Network]) -> None:
        self._allowed = allowed
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Opens the pool for the time of the block."""
        async with outside_session("OAuth", self._allowed, _TIMEOUT) as self._session:
            yield
        self._session = None

    async def send(self, uri: str, token: str) -> bool:
        """One attempt, without redirects; whether the client took it (Back-Channel Logout, 2.8)."""
        if self._session is None:
            return False
        try:
            async with self._session.post(
                uri, data={"logout_token": token}, allow_redirects=False
            ) as response:
                return response.status in (200, 204)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Logouts:
    """Log-outs are sent at least once, from a table that outlives this process."""

    database: Database
    identity: IdentityClient
    clients: Clients
    tokens: Tokens
    sender: LogoutSender
    issuer: str
    outcomes: Counter
    waiting: Gauge
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    async def session_ended(self, connection: Connection, uid: str, sid: str | None) -> None:
        """A session of a user ended, or all did: grants without offline access end with it."""
        sessions = await self.tokens.list_clients_of(connection, uid, sid)
        await store.insert(connection, uid, sessions)
        await self.tokens.revoke(connection, uid=uid, sid=sid, online_only=True)
        self._wake.set()

    async def forget(self, connection: Connection, uid: str) -> None:
        """Deletes the log-outs of an erased user."""
        await store.delete_user(connection, uid)

    async def client_of(self, client_id: str) -> Client | None:
        """The client that asks for a log-out; None without one."""
        return await self.clients.find(client_id)

    async def send_forever(self) -> None:
        """Sends what is due, for as long as PostgreSQL answers; raises `Unavailable`."""
        while True:
            self._wake.clear()
            while await self._send_due():
                pass
            try:
                async with asyncio.timeout(_POLL_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _send_due(self) -> int:
        async with self.database.connection() as connection:
            due = await store.claim(connection, _CLAIMED, _LEASE)
            self.waiting.set(await store.count_waiting(connection))
        await asyncio.gather(*(self._send(each) for each in due))
        return len(due)

    async def _send(self, logout: Logout) -> None:
        claims = claims_of(logout, self.issuer, str(uuid4()), datetime.now(UTC))
        [token] = await self.identity.sign_tokens([(LOGOUT_TOKEN_TYPE, claims)], None)
        succeeded = await self.sender.send(logout.uri, token)
        delay = None if succeeded else delay_after(logout.attempts)
        async with self.database.connection() as connection:
            if delay is None:
                await store.delete(connection, logout.id)
            else:
                await store.postpone(connection, logout.id, delay)
        if succeeded:
            self.outcomes.labels("delivered").inc()
        elif delay is None:
            self.outcomes.labels("given_up").inc()
            log.error("oauth_logout_given_up", client_id=logout.client_id)


def build(core: Core, clients: Clients, tokens: Tokens) -> Logouts:
    """Wires the feature."""
    outcomes = Counter(
        "oauth_logouts",
        "Back-channel log-outs: delivered to the client, or given up.",
        ("outcome",),
        registry=core.registry,
    )
    for outcome in ("delivered", "given_up"):  # exported as 0 from the start
        outcomes.labels(outcome)
    return Logouts(
        database=core.database,
        identity=core.identity,
        clients=clients,
        tokens=tokens,
        sender=LogoutSender(core.settings.allowed_networks),
        issuer=core.settings.issuer,
        outcomes=outcomes,
        waiting=Gauge(
            "oauth_logouts_waiting", "Back-channel log-outs that wait.", registry=core.registry
        ),
    )
