"""Limits attempts at secrets."""

import hmac
import json
import math

import structlog
from prometheus_client import CollectorRegistry, Counter

from identity_svc.core import Core
from identity_svc.throttling import store
from identity_svc.throttling.models import Purpose, folded, network_of
from shared.contracts.activities import Client
from shared.crypto.key_ring import KeyRing
from shared.database.pool import Connection, Database
from shared.errors import Throttled

log = structlog.get_logger()


class Throttle:
    """Counts attempts per account and network, and, more loosely, per network.

    Attempts that anybody may make are never counted per account alone, so nobody can lock an owner
    out from elsewhere. Known and unknown accounts count alike, so the limit does not reveal which
    exist.
    """

    def __init__(
        self, database: Database, ring: KeyRing, registry: CollectorRegistry, *, enabled: bool
    ) -> None:
        _, key = ring.primary
        self._key = hmac.digest(key, b"throttling", "sha256")
        self._database = database
        self._enabled = enabled
        self._attempts = Counter(
            "throttled_attempts",
            "Attempts at secrets, by what became of them.",
            ("purpose", "outcome"),
            registry=registry,
        )
        if not enabled:
            log.warning("throttling_is_off", setting="BARONG_THROTTLING")

    async def attempt(self, purpose: Purpose, account: str, client: Client) -> None:
        """Counts an attempt; call it before you look at the secret.

        Raises `Throttled`, or `Unavailable` when it cannot be counted.
        """
        if not self._enabled:
            return
        async with self._database.connection() as connection:
            wait = await store.count_attempt(connection, *self._keys(purpose, account, client))
        self._attempts.labels(purpose, "refused" if wait else "let through").inc()
        if wait:
            raise Throttled(math.ceil(wait))

    async def attempt_code(self, purpose: Purpose, uid: str) -> int:
        """Counts an attempt at a code of a second factor, from whatever network.

        Call it only for a caller who has shown the password or a session: then nobody else can use
        these attempts up, and more addresses give no more of them. Returns how many attempts count
        by now, this one included; 0 when throttling is off. Raises `Throttled` or `Unavailable`.
        """
        if not self._enabled:
            return 0
        key = self._digest(purpose, uid, None)
        async with self._database.connection() as connection:
            wait, attempts = await store.count_of_account(connection, key)
        self._attempts.labels(purpose, "refused" if wait else "let through").inc()
        if wait:
            raise Throttled(math.ceil(wait))
        return attempts

    async def attempt_of_network(self, purpose: Purpose, client: Client) -> None:
        """Counts an attempt that names no account yet, only per network.

        Raises `Throttled` or `Unavailable`.
        """
        if not self._enabled:
            return
        key = self._digest(purpose, None, network_of(client.ip))
        async with self._database.connection() as connection:
            wait = await store.count_of_network(connection, key)
        self._attempts.labels(purpose, "refused" if wait else "let through").inc()
        if wait:
            raise Throttled(math.ceil(wait))

    async def code_succeeded(self, purpose: Purpose, uid: str) -> None:
        """Forgets the attempts at this account's codes, as the last one was right."""
        if not self._enabled:
            return
        key = self._digest(purpose, uid, None)
        async with self._database.connection() as connection:
            await store.forget_attempts_of_account(connection, key)

    async def succeeded(self, purpose: Purpose, account: str, client: Client) -> None:
        """Forgets the attempts at this account from this network, as the last one was right."""
        if not self._enabled:
            return
        async with self._database.connection() as connection:
            await store.forget_attempts(connection, *self._keys(purpose, account, client))

    async def delete_forgiven(self, connection: Connection) -> None:
        """Deletes the counts of attempts that are long forgiven."""
        await store.delete_forgiven(connection)

    def _keys(self, purpose: Purpose, account: str, client: Client) -> tuple[bytes, bytes]:
        network = network_of(client.ip)
        return (
            self._digest(purpose, folded(account), network),
            self._digest(purpose, None, network),
        )

    def _digest(self, purpose: Purpose, account: str | None, network: str | None) -> bytes:
        text = json.dumps([purpose, account, network])
        return hmac.digest(self._key, text.encode(), "sha256")


def build(core: Core) -> Throttle:
    """The throttle of this installation; `BARONG_THROTTLING` switches it off for load tests."""
    settings = core.settings
    return Throttle(core.database, settings.master_keys, core.registry, enabled=settings.throttling)
