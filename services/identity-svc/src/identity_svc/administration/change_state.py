"""Puts a user into another state."""

from collections.abc import Set
from dataclasses import dataclass

from identity_svc.administration import store
from identity_svc.administration.authority import lock_subject
from identity_svc.administration.errors import UnknownState
from identity_svc.standing.shut_out import shut_out
from identity_svc.users.events import user_updated
from shared.contracts.administration import Administrator, ChangedUser
from shared.database.pool import Database
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class ChangeState:
    """Holds until the user's private labels change, which decide it anew.

    A state that forbids log-in ends all sessions and mailed tokens.
    """

    database: Database
    outbox: Outbox
    states: Set[str]

    async def __call__(self, by: Administrator, uid: str, state: str) -> ChangedUser:
        """Raises `UnknownState`, or what `lock_subject` raises."""
        async with self.database.transaction() as connection:
            before = await lock_subject(connection, by, uid)
            if state not in self.states:
                raise UnknownState
            if state == before.state:
                return ChangedUser(before, before)
            after = await store.set_state(connection, uid, state)
            await self.outbox.add(connection, user_updated(after, {"state": before.state}))
            await shut_out(connection, self.outbox, after)
        return ChangedUser(before, after)
