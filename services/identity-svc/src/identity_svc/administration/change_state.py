"""Puts a user into another state."""

from dataclasses import dataclass

from identity_svc.administration import store
from identity_svc.administration.errors import UnknownState
from identity_svc.administration.lock_subject import LockSubject
from identity_svc.standing.shut_out import shut_out
from identity_svc.standing.store import lock_standing
from identity_svc.standing.superadmins import demand_another
from identity_svc.users.events import user_updated
from shared.contracts.administration import Administrator, ChangedUser
from shared.database.pool import Database
from shared.messaging.outbox import Outbox
from shared.policy.standing import ACTIVE, REFUSALS, StandingRules, stricter


@dataclass(frozen=True, slots=True)
class ChangeState:
    """A refusal (`locked`, `banned`, `deleted`) holds until an administrator sets another state.

    Whatever labels say then, the stricter of both counts. Every other state holds until the user's
    private labels change, which decide it anew. A state that forbids log-in ends all sessions and
    mailed tokens.
    """

    database: Database
    outbox: Outbox
    lock_subject: LockSubject
    rules: StandingRules

    async def __call__(self, by: Administrator, uid: str, state: str) -> ChangedUser:
        """Raises `UnknownState`, `LastSuperadmin`, or what `LockSubject` raises."""
        async with self.database.transaction() as connection:
            before = await self.lock_subject(connection, by, uid)
            if state not in self.rules.states:
                raise UnknownState
            standing = await lock_standing(connection, uid)
            refusal = state if state in REFUSALS else None
            if refusal:
                state = stricter(self.rules.state(standing.applied.labels), refusal)
            if (state, refusal) == (before.state, standing.refusal):
                return ChangedUser(before, before)
            if state != ACTIVE:
                await demand_another(connection, before)
            after = await store.set_state(connection, uid, state, refusal)
            changes = {} if state == before.state else {"state": before.state}
            await self.outbox.add(connection, user_updated(after, changes))
            await shut_out(connection, self.outbox, after)
        return ChangedUser(before, after)
