"""Ends all API keys of a user whose address was proven, or whose password was reset."""

from dataclasses import dataclass
from datetime import datetime

from resource_svc.api_keys import store
from resource_svc.api_keys.api_key import ACTIVE
from resource_svc.api_keys.events import api_key_event
from resource_svc.users.keep_user import KeepUser
from resource_svc.users.lock_user import lock_user
from resource_svc.users.transactions import UserTransactions
from shared.contracts.events import ReceivedEvent
from shared.contracts.users import User
from shared.database.pool import Connection
from shared.messaging.outbox import Outbox

_ENDED_AT = "api_keys_ended_at"


@dataclass(frozen=True, slots=True)
class EndApiKeys:
    """They become inactive, and what was allowed before makes none work again.

    Identity-svc asks for it at once, and its event does the same where it could not ask.
    """

    transactions: UserTransactions
    outbox: Outbox
    keep_user: KeepUser

    async def at_once(self, uid: str) -> None:
        """Raises `NotFound` or `Unavailable`."""
        async with self.transactions.of(uid) as (connection, user):
            await self._within(connection, user)

    async def __call__(self, connection: Connection, event: ReceivedEvent) -> None:
        """The reaction to `system.user.password.reset` and `system.user.email.confirmed`.

        Keys that were made after it stay, if it comes late, because it was done at once as well.
        """
        if _ENDED_AT not in event.snapshot:
            return
        kept = await self.keep_user.within(connection, User.of(event.snapshot))
        user = await lock_user(connection, kept.uid)
        done = await store.api_keys_ended_at(connection, user.uid)
        if done is None or done < datetime.fromisoformat(event.snapshot[_ENDED_AT]):
            await self._within(connection, user)

    async def _within(self, connection: Connection, user: User) -> None:
        await store.note_api_keys_ended(connection, user.uid)
        keys = await store.deactivate_api_keys(connection, user.uid)
        await self.outbox.add(
            connection, *(api_key_event("updated", key, user, {"state": ACTIVE}) for key in keys)
        )
