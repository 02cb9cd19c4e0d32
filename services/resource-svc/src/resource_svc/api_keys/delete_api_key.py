"""Deletes an API key."""

from dataclasses import dataclass

from resource_svc.api_keys import store
from resource_svc.api_keys.demand_second_factor import DemandSecondFactor
from resource_svc.api_keys.events import api_key_event
from resource_svc.users.lock_user import lock_actor
from shared.contracts.activities import Client
from shared.database.pool import Database
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class DeleteApiKey:
    """A deletion by the user himself."""

    database: Database
    outbox: Outbox
    demand_second_factor: DemandSecondFactor

    async def __call__(self, uid: str, kid: str, code: str, client: Client) -> None:
        """Raises what `DemandSecondFactor` raises."""
        await self.demand_second_factor(uid, code, client)
        async with self.database.transaction() as connection:
            user = await lock_actor(connection, uid)
            key = await store.lock_api_key(connection, uid, kid)
            await store.delete_api_key(connection, kid)
            await self.outbox.add(connection, api_key_event("deleted", key, user))
