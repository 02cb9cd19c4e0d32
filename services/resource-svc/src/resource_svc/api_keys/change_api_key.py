"""Changes scope or state of an API key."""

from collections.abc import Sequence
from dataclasses import dataclass

from resource_svc.api_keys import rules, store
from resource_svc.api_keys.api_key import ACTIVE, ApiKey
from resource_svc.api_keys.demand_second_factor import DemandSecondFactor
from resource_svc.api_keys.events import api_key_event
from resource_svc.users.lock_user import lock_actor
from shared.contracts.activities import Client
from shared.database.pool import Database
from shared.errors import Invalid
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class ChangeApiKey:
    """A change by the user himself; what the key is already is no change."""

    database: Database
    outbox: Outbox
    demand_second_factor: DemandSecondFactor

    async def __call__(
        self,
        uid: str,
        kid: str,
        scope: Sequence[str] | None,
        state: str | None,
        code: str,
        client: Client,
    ) -> ApiKey:
        """The key as it is now; raises what `DemandSecondFactor` raises, or `Invalid`."""
        allowed = await self.demand_second_factor(uid, code, client)
        async with self.database.transaction() as connection:
            user = await lock_actor(connection, uid)
            await self.demand_second_factor.still_counts(connection, uid, allowed)
            key = await store.lock_api_key(connection, uid, kid)
            scope = key.scope if scope is None else list(scope)
            state = key.state if state is None else state
            if faults := [*rules.scope_faults(scope), *rules.state_faults(state)]:
                raise Invalid(faults)
            if state == ACTIVE:
                rules.demand_owner(user)
            old = {"scope": key.scope, "state": key.state}
            new = {"scope": scope, "state": state}
            changes = {name: value for name, value in old.items() if new[name] != value}
            if not changes:
                return key
            changed = await store.set_api_key(connection, kid, scope, state)
            await self.outbox.add(connection, api_key_event("updated", changed, user, changes))
        return changed
