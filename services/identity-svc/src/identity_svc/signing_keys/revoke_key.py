"""Makes everything that a signing key has signed worthless."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from identity_svc.signing_keys import store
from identity_svc.signing_keys.errors import KeyInUse, UnknownSigningKey
from identity_svc.signing_keys.keep_keys import KeepKeys
from identity_svc.signing_keys.schedule import StoredKey, signing_key
from shared.database.pool import Connection


@dataclass(frozen=True, slots=True)
class RevokeKey:
    """For a key that got into wrong hands; where it is the one that signs, the next takes over."""

    keep_keys: KeepKeys

    async def __call__(self, kid: str) -> None:
        """Raises `UnknownSigningKey`, or `KeyInUse` for the operator's present key."""
        own = self.keep_keys.own_kid
        if kid == own:
            raise KeyInUse
        async with self.keep_keys.database.transaction() as connection:
            await store.lock_keys(connection)
            keys, now = await store.all_keys(connection)
            if kid not in {key.kid for key in keys}:
                raise UnknownSigningKey
            await store.delete_keys(connection, [kid])
            signs = signing_key(keys, own, now)
            if signs and signs.kid == kid:
                await self._replace(connection, signs, keys)

    async def _replace(
        self, connection: Connection, revoked: StoredKey, keys: Sequence[StoredKey]
    ) -> None:
        """Never an older one: what that signed must be able to end in its own time."""
        for key in reversed(keys):
            usable = key.private_key or key.kid == self.keep_keys.own_kid
            if usable and key.active_at > revoked.active_at:
                await store.activate_key(connection, key.kid)
                return
        await self.keep_keys.make_key(connection, timedelta(0))
