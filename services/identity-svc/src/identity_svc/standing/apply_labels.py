"""Gives a user the state and level that his private labels decide."""

from dataclasses import dataclass, replace

import structlog

from identity_svc.standing import store
from identity_svc.standing.rules import MAY_LOG_IN, deleted_by_user
from identity_svc.standing.shut_out import shut_out
from identity_svc.standing.store import Standing
from identity_svc.standing.superadmins import is_last
from identity_svc.users.events import account_deleted, user_updated
from shared.contracts.labels import PrivateLabels
from shared.contracts.users import User
from shared.database.pool import Connection, Database
from shared.messaging.outbox import Outbox
from shared.policy.standing import ACTIVE, REFUSALS, StandingRules, stricter

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ApplyLabels:
    """The one place where labels make state and level, for internal calls and events alike.

    Labels that are not newer than those already applied change nothing, so that calls may be
    repeated and events reordered. What an administrator forbids they never lift.
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
        standing = await store.lock_standing(connection, labels.uid)
        user, applied = standing.user, standing.applied
        if labels.version <= applied.version:
            return user
        await store.keep_labels(connection, user.uid, labels.version, labels.labels)
        changed = await self._follow(connection, standing, labels)
        is_news = deleted_by_user(labels.labels) and not deleted_by_user(applied.labels)
        if is_news and changed.state not in MAY_LOG_IN:
            await self.outbox.add(connection, account_deleted(changed))
        return changed

    async def foresee(self, connection: Connection, uid: str, key: str, value: str) -> User:
        """The user as one more private label will make him; raises `UserNotFound`."""
        standing = await store.lock_standing(connection, uid)
        labels = {**standing.applied.labels, key: value}
        state = stricter(self.rules.state(labels), self._refusal(standing))
        return replace(standing.user, state=state, level=self.rules.level(labels))

    def _refusal(self, standing: Standing) -> str | None:
        """How an administrator keeps the user out.

        A state that the labels do not explain came from an administrator, too: of an earlier
        release, or of the Barong from which the user was imported.
        """
        state = standing.user.state
        explained = state == self.rules.state(standing.applied.labels)
        if standing.refusal is None and state in REFUSALS and not explained:
            return state
        return standing.refusal

    async def _follow(
        self, connection: Connection, standing: Standing, labels: PrivateLabels
    ) -> User:
        user, refusal = standing.user, self._refusal(standing)
        state = stricter(self.rules.state(labels.labels), refusal)
        level = self.rules.level(labels.labels)
        if state != ACTIVE and await is_last(connection, user):
            log.warning("last_superadmin_stays", uid=user.uid, state=state)
            state = user.state
        if (state, level, refusal) == (user.state, user.level, standing.refusal):
            return user
        changed = await store.set_standing(connection, user.uid, state, level, refusal)
        old = {
            name: getattr(user, name)
            for name in ("level", "state")
            if getattr(user, name) != getattr(changed, name)
        }
        await self.outbox.add(connection, user_updated(changed, old))
        await shut_out(connection, self.outbox, changed)
        return changed
