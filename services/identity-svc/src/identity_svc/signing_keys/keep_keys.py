"""Keeps the table of signing keys as the schedule wants it."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from identity_svc.signing_keys import store
from identity_svc.signing_keys.operator_key import OperatorKey
from identity_svc.signing_keys.schedule import Plan, Schedule, StoredKey
from shared.crypto.key_ring import KeyRing
from shared.database.pool import Connection, Database

log = structlog.get_logger()

_BITS = 2048
_AT_ONCE = timedelta(0)


@dataclass(frozen=True, slots=True)
class KeepKeys:
    """Makes what is due and drops what nobody needs, once however many instances look."""

    database: Database
    ring: KeyRing
    schedule: Schedule
    own: OperatorKey | None

    async def __call__(self) -> tuple[Sequence[StoredKey], datetime]:
        """All keys, and the moment in which they were read."""
        async with self.database.transaction() as connection:
            keys, now = await store.all_keys(connection)
            if self._plan(keys, now) == Plan():
                return keys, now
            await store.lock_keys(connection)
            keys, now = await store.all_keys(connection)  # another instance may have been quicker
            await self._carry_out(connection, self._plan(keys, now), first=not keys)
            return await store.all_keys(connection)

    @property
    def own_kid(self) -> str | None:
        """The id of the operator's key, where there is one."""
        return self.own.kid if self.own else None

    async def make_key(self, connection: Connection, delay: timedelta) -> tuple[str, datetime]:
        """A new key that signs after `delay`: its id, and when that is."""
        kid = secrets.token_hex(8)
        key = await asyncio.to_thread(rsa.generate_private_key, 65537, _BITS)
        der = key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        sealed = self.ring.encrypt(der, store.sealed_for(kid))
        active_at = await store.insert_key(connection, kid, private_key=sealed, delay=delay)
        log.info("signing_key_made", kid=kid, active_at=active_at.isoformat())
        return kid, active_at

    async def publish_own(
        self, connection: Connection, own: OperatorKey, delay: timedelta
    ) -> datetime:
        """Publishes the operator's key; when it signs."""
        active_at = await store.insert_key(
            connection, own.kid, public_key=own.public_half, delay=delay
        )
        log.info("operator_key_published", kid=own.kid, active_at=active_at.isoformat())
        return active_at

    def _plan(self, keys: Sequence[StoredKey], now: datetime) -> Plan:
        return self.schedule.plan(keys, self.own_kid, now)

    async def _carry_out(self, connection: Connection, plan: Plan, *, first: bool) -> None:
        delay = _AT_ONCE if first else self.schedule.published
        if plan.make_key:
            await self.make_key(connection, delay)
        if plan.publish_own and self.own:
            await self.publish_own(connection, self.own, delay)
        if plan.note_use_of:
            await store.note_use(connection, plan.note_use_of)
        if plan.drop:
            await store.delete_keys(connection, plan.drop)
            log.info("signing_keys_dropped", kids=list(plan.drop))
