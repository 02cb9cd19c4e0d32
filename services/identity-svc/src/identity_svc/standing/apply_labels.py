"""Gives a user the state and level that his private labels decide."""

from dataclasses import dataclass

from identity_svc.mail_tokens import tokens
from identity_svc.sessions import revoke
from identity_svc.standing import store
from identity_svc.standing.rules import MAY_LOG_IN, StandingRules
from identity_svc.users.events import user_updated
from shared.contracts.labels import PrivateLabels
from shared.contracts.users import User
from shared.database.pool import Connection, Database
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class ApplyLabels:
    """The one place where state and level are made, for internal calls and events alike.

    Labels that are not newer than those already applied change nothing, so that calls may be
    repeated and events reordered.
    """

    database: Database
    outbox: Outbox
    rules: StandingRules

    async def __call__(self, labels: PrivateLabels) -> User:
        """The user as he is now; raises `UserNotFound`."""
        async with self.database.transaction() as connection:
            return await self.within(connection, labels)

    async def within(self, connection: Connection, labels: PrivateLabels) -> User:
        """The same, as part of a transaction under way."""
        user, applied = await store.lock_user(connection, labels.uid)
        if labels.version <= applied:
            return user
        await store.keep_labels(connection, user.uid, labels.version, labels.labels)
        state, level = self.rules.state(labels.labels), self.rules.level(labels.labels)
        if (state, level) == (user.state, user.level):
            return user
        changed = await store.set_standing(connection, user.uid, state, level)
        old = {
            name: getattr(user, name)
            for name in ("level", "state")
            if getattr(user, name) != getattr(changed, name)
        }
        await self.outbox.add(connection, user_updated(changed, old))
        if state not in MAY_LOG_IN:
            await tokens.forget(connection, user.uid, tokens.CONFIRMATION, tokens.RESET)
            await revoke.all_sessions(connection, self.outbox, changed)
        return changed
