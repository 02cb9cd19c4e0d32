"""Makes, rotates, revokes and drops the signing keys in the table."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from identity_svc.core import Core
from identity_svc.operator_key import OperatorKey
from identity_svc.signing_keys import store
from identity_svc.signing_keys.key_chain import KeyChain
from identity_svc.signing_keys.models import (
    KeyInUse,
    Plan,
    Schedule,
    StoredKey,
    UnknownSigningKey,
    of_algorithm,
    sealed_for,
    signing_key,
)
from shared.crypto.key_ring import KeyRing
from shared.database.pool import Connection, Database
from shared.messaging.envelope import ALGORITHMS, ES256, RS256, SigningKey

log = structlog.get_logger()

_BITS = 2048
_AT_ONCE = timedelta(0)


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """The keys of all instances; each change is made once, however many instances see it due."""

    database: Database
    ring: KeyRing
    schedule: Schedule
    own: OperatorKey | None
    event_algorithm: str

    async def maintain(self) -> tuple[Sequence[StoredKey], datetime]:
        """Makes the keys that are due and drops those that are no longer needed.

        Returns all keys, and the time at which they were read.
        """
        async with self.database.transaction() as connection:
            keys, now = await store.list_keys(connection)
            if all(self._plan(keys, now, algorithm) == Plan() for algorithm in ALGORITHMS):
                return keys, now
            await store.lock_keys(connection)
            keys, now = await store.list_keys(connection)  # another instance may have been quicker
            for algorithm in ALGORITHMS:
                plan = self._plan(keys, now, algorithm)
                await self._carry_out(connection, plan, algorithm, first=not keys)
            return await store.list_keys(connection)

    async def rotate(self) -> list[tuple[str, datetime]]:
        """Publishes the next key of each algorithm before the schedule would.

        Returns their ids, and when they begin to sign. A key that is published and not yet active
        is the next one already.
        """
        await self.maintain()
        async with self.database.transaction() as connection:
            await store.lock_keys(connection)
            keys, now = await store.list_keys(connection)
            return [
                self._next(of_algorithm(keys, algorithm), now, self._own(algorithm))
                or await self._make_key(connection, self.schedule.published, algorithm)
                for algorithm in ALGORITHMS
                if self._is_wanted(algorithm)
            ]

    async def revoke(self, kid: str) -> None:
        """Withdraws a key that was stolen: whatever it signed is void.

        Where it is the key that signs, the next one takes over. Raises `UnknownSigningKey`, or
        `KeyInUse` for the operator's present key.
        """
        if kid == self._own(RS256):
            raise KeyInUse
        async with self.database.transaction() as connection:
            await store.lock_keys(connection)
            keys, now = await store.list_keys(connection)
            if kid not in {key.kid for key in keys}:
                raise UnknownSigningKey
            await store.delete_keys(connection, [kid])
            for algorithm in ALGORITHMS:
                same = of_algorithm(keys, algorithm)
                signs = signing_key(same, self._own(algorithm), now)
                if signs and signs.kid == kid and self._is_wanted(algorithm):
                    await self._replace(connection, signs, same)

    def _own(self, algorithm: str) -> str | None:
        """The id of the operator's key, which is one of RS256."""
        return self.own.kid if self.own and algorithm == RS256 else None

    def _is_wanted(self, algorithm: str) -> bool:
        """Tokens are always signed with RS256."""
        return algorithm in (RS256, self.event_algorithm)

    def _plan(self, keys: Sequence[StoredKey], now: datetime, algorithm: str) -> Plan:
        return self.schedule.plan(
            of_algorithm(keys, algorithm),
            self._own(algorithm),
            now,
            wanted=self._is_wanted(algorithm),
        )

    @staticmethod
    def _next(
        keys: Sequence[StoredKey], now: datetime, own: str | None
    ) -> tuple[str, datetime] | None:
        """The key that signs next, if it is published already."""
        for key in keys:
            if key.kid == own or (own is None and key.private_key and key.active_at > now):
                return key.kid, key.active_at
        return None

    async def _carry_out(
        self, connection: Connection, plan: Plan, algorithm: str, *, first: bool
    ) -> None:
        delay = _AT_ONCE if first else self.schedule.published
        if plan.make_key:
            await self._make_key(connection, delay, algorithm)
        if plan.publish_own and self.own:
            await self._publish_own(connection, self.own, delay)
        if plan.note_use_of:
            await store.note_use(connection, plan.note_use_of)
        if plan.drop:
            await store.delete_keys(connection, plan.drop)
            log.info("signing_keys_dropped", kids=list(plan.drop))

    async def _make_key(
        self, connection: Connection, delay: timedelta, algorithm: str
    ) -> tuple[str, datetime]:
        """A new key that signs after `delay`: its id, and when that is."""
        kid = secrets.token_hex(8)
        key = await asyncio.to_thread(_new_key, algorithm)
        der = key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        sealed = self.ring.encrypt(der, sealed_for(kid))
        active_at = await store.insert_key(
            connection, kid, private_key=sealed, delay=delay, algorithm=algorithm
        )
        log.info("signing_key_made", kid=kid, algorithm=algorithm, active_at=active_at.isoformat())
        return kid, active_at

    async def _publish_own(
        self, connection: Connection, own: OperatorKey, delay: timedelta
    ) -> None:
        active_at = await store.insert_key(
            connection, own.kid, public_key=own.public_half, delay=delay, algorithm=RS256
        )
        log.info("operator_key_published", kid=own.kid, active_at=active_at.isoformat())

    async def _replace(
        self, connection: Connection, revoked: StoredKey, keys: Sequence[StoredKey]
    ) -> None:
        """Activates a newer key, never an older one: what that signed has to expire in time."""
        for key in reversed(keys):
            usable = key.private_key or key.kid == self._own(key.algorithm)
            if usable and key.active_at > revoked.active_at:
                await store.activate_key(connection, key.kid)
                return
        await self._make_key(connection, _AT_ONCE, revoked.algorithm)


def _new_key(algorithm: str) -> SigningKey:
    if algorithm == ES256:
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65537, _BITS)


def stored_keys(core: Core) -> SigningKeys:
    """The keys in the table, for commands."""
    settings = core.settings
    schedule = Schedule(
        timedelta(seconds=settings.signing_key_publish_seconds),
        timedelta(days=settings.signing_key_rotation_days),
        timedelta(days=settings.signing_key_keep_days),
    )
    return SigningKeys(
        core.database,
        settings.master_keys,
        schedule,
        settings.operator_key,
        settings.event_algorithm,
    )


def build(core: Core) -> KeyChain:
    """The keys in memory, which the service keeps up to date from the table."""
    settings = core.settings
    return KeyChain(
        stored_keys(core).maintain,
        settings.master_keys,
        settings.operator_key,
        settings.jwt_issuer,
        settings.event_algorithm,
        settings.signing_key_reload_seconds,
        core.registry,
    )
