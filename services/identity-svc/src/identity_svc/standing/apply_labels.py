"""Gives a user the state and level that his private labels decide."""

from dataclasses import dataclass, replace

from identity_svc.standing import store
from identity_svc.standing.rules import deleted_by_user
from identity_svc.standing.shut_out import shut_out
from identity_svc.users.events import account_deleted, user_updated
from shared.contracts.labels import PrivateLabels
from shared.contracts.users import User
from shared.database.pool import Connection, Database
from shared.messaging.outbox import Outbox
from shared.policy.standing import StandingRules


@dataclass(frozen=True, slots=True)
class ApplyLabels:
    """The one place where labels make state and level, for internal calls and events alike.

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
        if labels.version <= applied.version:
            return user
        await store.keep_labels(connection, user.uid, labels.version, labels.labels)
        changed = await self._follow(connection, user, labels)
        if deleted_by_user(labels.labels) and not deleted_by_user(applied.labels):
            await self.outbox.add(connection, account_deleted(changed))
        return changed

    async def foresee(self, connection: Connection, uid: str, key: str, value: str) -> User:
        """The user as one more private label will make him; raises `UserNotFound`."""
        user, applied = await store.lock_user(connection, uid)
        labels = {**applied.labels, key: value}
        return replace(user, state=self.rules.state(labels), level=self.rules.level(labels))

    async def _follow(self, connection: Connection, user: User, labels: PrivateLabels) -> User:
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
        await shut_out(connection, self.outbox, changed)
        return changed
