"""Creates an API key."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from resource_svc.api_keys import rules, store
from resource_svc.api_keys.api_key import ApiKey
from resource_svc.api_keys.demand_second_factor import DemandSecondFactor
from resource_svc.api_keys.errors import TooManyApiKeys
from resource_svc.api_keys.events import api_key_event
from resource_svc.api_keys.public_key import ed25519_public_key
from resource_svc.api_keys.seal import Seal
from resource_svc.users.lock_user import lock_actor
from shared.contracts.activities import Client
from shared.database.pool import Database
from shared.errors import Invalid
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class CreateApiKey:
    """A key that works at once, and its secret, which is told this once.

    A key of the user's own, of which they register the public half, has no secret.
    """

    database: Database
    outbox: Outbox
    demand_second_factor: DemandSecondFactor
    seal: Seal

    async def __call__(
        self,
        uid: str,
        algorithm: str,
        kid: str | None,
        public_key: str | None,
        scope: Sequence[str],
        code: str,
        client: Client,
    ) -> tuple[ApiKey, str | None]:
        """Key and secret; raises what `DemandSecondFactor` raises, `Invalid`, `TooManyApiKeys`."""
        allowed = await self.demand_second_factor(uid, code, client)
        faults = [
            *rules.algorithm_faults(algorithm, kid),
            *rules.public_key_faults(algorithm, public_key),
            *rules.scope_faults(scope),
        ]
        if faults:
            raise Invalid(faults)
        made = secrets.token_hex(8)
        registered = None if public_key is None else ed25519_public_key(public_key)
        secret = secrets.token_hex(16) if registered is None else None
        sealed = None if secret is None else self.seal.close(made, secret)
        async with self.database.transaction() as connection:
            user = await lock_actor(connection, uid)
            await self.demand_second_factor.still_counts(connection, uid, allowed)
            rules.demand_owner(user)
            if await store.number_of_api_keys(connection, uid) >= rules.MAX_API_KEYS:
                raise TooManyApiKeys
            key = await store.insert_api_key(
                connection, uid, made, algorithm, scope, sealed, registered
            )
            await self.outbox.add(connection, api_key_event("created", key, user))
        return key, secret
