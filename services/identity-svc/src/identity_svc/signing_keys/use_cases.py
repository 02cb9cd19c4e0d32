"""Makes, rotates, revokes and drops the signing keys in the table."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

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
    sealed_for,
    signing_key,
)
from shared.crypto.key_ring import KeyRing
from shared.database.pool import Connection, Database

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

    async def maintain(self) -> tuple[Sequence[StoredKey], datetime]:
        """Makes the keys that are due and drops those that are no longer needed.

        Returns all keys, and the time at which they were read.
        """
        async with self.database.transaction() as connection:
            keys, now = await store.list_keys(connection)
            if self._plan(keys, now) == Plan():
                return keys, now
            await store.lock_keys(connection)
            keys, now = await store.list_keys(connection)  # another instance may have been quicker
            await self._carry_out(connection, self._plan(keys, now), first=not keys)
            return await store.list_keys(connection)

    async def rotate(self) -> tuple[str, datetime]:
        """Publishes the next key before the schedule would.

        Returns its id, and when it begins to sign. A key that is published and not yet active is
        the next one already.
        """
        await self.maintain()
        async with self.database.transaction() as connection:
            await store.lock_keys(connection)
            keys, now = await store.list_keys(connection)
            for key in keys:
                if key.kid == self._own_kid or (
                    self._own_kid is None and key.private_key and key.active_at > now
                ):
                    return key.kid, key.active_at
            return await self._make_key(connection, self.schedule.published)

    async def revoke(self, kid: str) -> None:
        """Withdraws a key that was stolen: whatever it signed is void.

        Where it is the key that signs, the next one takes over. Raises `UnknownSigningKey`, or
        `KeyInUse` for the operator's present key.
        """
        if kid == self._own_kid:
            raise KeyInUse
        async with self.database.transaction() as connection:
            await store.lock_keys(connection)
            keys, now = await store.list_keys(connection)
            if kid not in {key.kid for key in keys}:
                raise UnknownSigningKey
            await store.delete_keys(connection, [kid])
            signs = signing_key(keys, self._own_kid, now)
            if signs and signs.kid == kid:
                await self._replace(connection, signs, keys)

    @property
    def _own_kid(self) -> str | None:
        return self.own.kid if self.own else None

    def _plan(self, keys: Sequence[StoredKey], now: datetime) -> Plan:
        return self.schedule.plan(keys, self._own_kid, now)

    async def _carry_out(self, connection: Connection, plan: Plan, *, first: bool) -> None:
        delay = _AT_ONCE if first else self.schedule.published
        if plan.make_key:
            await self._make_key(connection, delay)
        if plan.publish_own and self.own:
            await self._publish_own(connection, self.own, delay)
        if plan.note_use_of:
            await store.note_use(connection, plan.note_use_of)
        if plan.drop:
            await store.delete_keys(connection, plan.drop)
            log.info("signing_keys_dropped", kids=list(plan.drop))

    async def _make_key(self, connection: Connection, delay: timedelta) -> tuple[str, datetime]:
        """A new key that signs after `delay`: its id, and when that is."""
        kid = secrets.token_hex(8)
        key = await asyncio.to_thread(rsa.generate_private_key, 65537, _BITS)
        der = key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        sealed = self.ring.encrypt(der, sealed_for(kid))
        active_at = await store.insert_key(connection, kid, private_key=sealed, delay=delay)
        log.info("signing_key_made", kid=kid, active_at=active_at.isoformat())
        return kid, active_at

    async def _publish_own(
        self, connection: Connection, own: OperatorKey, delay: timedelta
    ) -> None:
        active_at = await store.insert_key(
            connection, own.kid, public_key=own.public_half, delay=delay
        )
        log.info("operator_key_published", kid=own.kid, active_at=active_at.isoformat())

    async def _replace(
        self, connection: Connection, revoked: StoredKey, keys: Sequence[StoredKey]
    ) -> None:
        """Activates a newer key, never an older one: what that signed has to expire in time."""
        for key in reversed(keys):
            usable = key.private_key or key.kid == self._own_kid
            if usable and key.active_at > revoked.active_at:
                await store.activate_key(connection, key.kid)
                return
        await self._make_key(connection, _AT_ONCE)


def stored_keys(core: Core) -> SigningKeys:
    """The keys in the table, for commands."""
    settings = core.settings
    schedule = Schedule(
        timedelta(seconds=settings.signing_key_publish_seconds),
        timedelta(days=settings.signing_key_rotation_days),
        timedelta(days=settings.signing_key_keep_days),
    )
    return SigningKeys(core.database, settings.master_keys, schedule, settings.operator_key)


def build(core: Core) -> KeyChain:
    """The keys in memory, which the service keeps up to date from the table."""
    settings = core.settings
    return KeyChain(
        stored_keys(core).maintain,
        settings.master_keys,
        settings.operator_key,
        settings.jwt_issuer,
        settings.signing_key_reload_seconds,
        core.registry,
    )
