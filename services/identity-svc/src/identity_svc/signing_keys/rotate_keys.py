"""Publishes the next signing key before the schedule would."""

from dataclasses import dataclass
from datetime import datetime

from identity_svc.signing_keys import store
from identity_svc.signing_keys.keep_keys import KeepKeys
from shared.database.pool import Connection


@dataclass(frozen=True, slots=True)
class RotateKeys:
    """A key that is published and not yet active is the next one already."""

    keep_keys: KeepKeys

    async def __call__(self) -> tuple[str, datetime]:
        """The id of the next key, and when it begins to sign."""
        await self.keep_keys()
        async with self.keep_keys.database.transaction() as connection:
            await store.lock_keys(connection)
            return await self._next_key(connection)

    async def _next_key(self, connection: Connection) -> tuple[str, datetime]:
        keys, now = await store.all_keys(connection)
        own = self.keep_keys.own_kid
        for key in keys:
            if key.kid == own or (own is None and key.private_key and key.active_at > now):
                return key.kid, key.active_at
        return await self.keep_keys.make_key(connection, self.keep_keys.schedule.published)
