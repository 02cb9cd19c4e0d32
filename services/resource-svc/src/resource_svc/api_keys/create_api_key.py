"""Creates an API key."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from resource_svc.api_keys import rules, store
from resource_svc.api_keys.api_key import ApiKey
from resource_svc.api_keys.demand_second_factor import DemandSecondFactor
from resource_svc.api_keys.errors import TooManyApiKeys
from resource_svc.api_keys.events import api_key_event
from resource_svc.api_keys.seal import Seal
from resource_svc.users.lock_user import lock_user
from shared.contracts.activities import Client
from shared.database.pool import Database
from shared.errors import Invalid
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class CreateApiKey:
    """A key that works at once, and its secret, which is told this once."""

    database: Database
    outbox: Outbox
    demand_second_factor: DemandSecondFactor
    seal: Seal

    async def __call__(
        self,
        uid: str,
        algorithm: str,
        kid: str | None,
        scope: Sequence[str],
        code: str,
        client: Client,
    ) -> tuple[ApiKey, str]:
        """Key and secret; raises what `DemandSecondFactor` raises, `Invalid`, `TooManyApiKeys`."""
        await self.demand_second_factor(uid, code, client)
        faults = [*rules.algorithm_faults(algorithm, kid), *rules.scope_faults(scope)]
        if faults:
            raise Invalid(faults)
        made, secret = secrets.token_hex(8), secrets.token_hex(16)
        async with self.database.transaction() as connection:
            user = await lock_user(connection, uid)
            rules.demand_owner(user)
            if await store.number_of_api_keys(connection, uid) >= rules.MAX_API_KEYS:
                raise TooManyApiKeys
            key = await store.insert_api_key(
                connection, uid, made, algorithm, scope, self.seal.close(made, secret)
            )
            await self.outbox.add(connection, api_key_event("created", key, user))
        return key, secret
