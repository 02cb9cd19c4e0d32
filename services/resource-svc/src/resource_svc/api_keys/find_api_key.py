"""Finds an API key for the gateway."""

from dataclasses import dataclass

from resource_svc.api_keys import store
from resource_svc.api_keys.public_key import in_base64url
from resource_svc.api_keys.seal import Seal
from shared.contracts.api_keys import SigningKey
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class FindApiKey:
    """Whoever's it is and in whatever state, with its secret."""

    database: Database
    seal: Seal

    async def __call__(self, kid: str) -> SigningKey:
        """Raises `NotFound`."""
        async with self.database.connection() as connection:
            found = await store.sealed_api_key(connection, kid)
        key = found.key
        return SigningKey(
            kid=key.kid,
            uid=key.uid,
            secret=None if found.secret is None else self.seal.open(key.kid, found.secret),
            public_key=None if key.public_key is None else in_base64url(key.public_key),
            scope=tuple(key.scope),
            state=key.state,
            algorithm=key.algorithm,
        )
