"""Deactivates the API keys of who may not use them any more."""

from dataclasses import dataclass

from resource_svc.api_keys import store
from resource_svc.api_keys.api_key import ACTIVE
from resource_svc.api_keys.events import api_key_event
from resource_svc.users.keep_user import KeepUser
from shared.contracts.events import ReceivedEvent
from shared.contracts.users import User
from shared.database.pool import Connection
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class DeactivateApiKeys:
    """The reaction to `model.user.updated`: keys end with the second factor or the active state.

    They stay inactive when it comes back. What the event itself tells decides, not what is known
    by now: it may be late, but it was true.
    """

    outbox: Outbox
    keep_user: KeepUser

    async def __call__(self, connection: Connection, event: ReceivedEvent) -> None:
        """Also keeps the user: keys are made under the lock that this takes."""
        then = User.of(event.snapshot)
        now = await self.keep_user.within(connection, then)
        if then.otp and (then.state == "active" or "state" not in event.changes):
            return
        keys = await store.deactivate_api_keys(connection, then.uid)
        await self.outbox.add(
            connection, *(api_key_event("updated", key, now, {"state": ACTIVE}) for key in keys)
        )
