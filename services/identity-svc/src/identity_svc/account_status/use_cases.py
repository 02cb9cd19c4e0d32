"""Gives users the state and level that their private labels decide."""

from dataclasses import dataclass, replace

import structlog

from identity_svc.account_status.events import account_deleted
from identity_svc.account_status.models import LastSuperadmin, deleted_by_user
from identity_svc.core import Core
from identity_svc.mail_tokens.models import CONFIRMATION, LOG_IN, RESET
from identity_svc.mail_tokens.use_cases import MailTokens
from identity_svc.sessions.use_cases import Sessions
from identity_svc.users.models import Status
from identity_svc.users.use_cases import Users
from shared.contracts.administration import SUPERADMIN
from shared.contracts.labels import PrivateLabels
from shared.contracts.users import MAY_ACT, User
from shared.database.pool import Connection, Database
from shared.messaging.outbox import Outbox
from shared.policy.account_status import ACTIVE, REFUSALS, AccountStatusRules, stricter
from shared.policy.account_status_files import account_status_rules

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """The one place where labels make state and level, for internal calls and events alike.

    Labels never lift an administrator's refusal. The last active superadmin stays active, because
    nobody else could make one.
    """

    database: Database
    outbox: Outbox
    users: Users
    sessions: Sessions
    mail_tokens: MailTokens
    rules: AccountStatusRules

    async def apply_labels(self, labels: PrivateLabels) -> User:
        """The user as they are now; raises `UserNotFound`.

        Labels that are not newer than those already applied change nothing, so calls may be
        repeated and events reordered.
        """
        async with self.database.transaction() as connection:
            return await self.apply_labels_within(connection, labels)

    async def apply_labels_within(self, connection: Connection, labels: PrivateLabels) -> User:
        """The same, as a step of a transaction."""
        status = await self.users.lock_status(connection, labels.uid)
        user, applied = status.user, status.applied
        if labels.version <= applied.version:
            return user
        await self.users.set_private_labels(connection, labels)
        changed = await self._follow(connection, status, labels)
        is_news = deleted_by_user(labels.labels) and not deleted_by_user(applied.labels)
        if is_news and changed.state not in MAY_ACT:
            await self.outbox.add(connection, account_deleted(changed))
        return changed

    async def foresee(self, connection: Connection, uid: str, key: str, value: str) -> User:
        """The user as one more private label will make them; raises `UserNotFound`."""
        status = await self.users.lock_status(connection, uid)
        labels = {**status.applied.labels, key: value}
        state = stricter(self.rules.state(labels), self._refusal(status))
        return replace(status.user, state=state, level=self.rules.level(labels))

    async def revoke_access(self, connection: Connection, user: User) -> None:
        """Ends sessions and mailed tokens of a user whose state forbids them to act.

        It is a step of the transaction that sets the state.
        """
        if user.state in MAY_ACT:
            return
        await self.mail_tokens.revoke(connection, user.uid, CONFIRMATION, LOG_IN, RESET)
        await self.sessions.revoke_all(connection, user)

    async def is_last_superadmin(self, connection: Connection, user: User) -> bool:
        """Whether a locked user is the only active superadmin."""
        if (user.role, user.state) != (SUPERADMIN, ACTIVE):
            return False
        return not await self.users.another_superadmin_is_active(connection, user.uid)

    async def require_another_superadmin(self, connection: Connection, user: User) -> None:
        """Raises `LastSuperadmin` where a locked user is the only active one."""
        if await self.is_last_superadmin(connection, user):
            raise LastSuperadmin

    async def demand_successor(self, uid: str) -> None:
        """Raises `UserNotFound`, or `LastSuperadmin` if the user may not delete their account.

        It is called before the deletion. If two superadmins call at once, both may be allowed; then
        the second deletion does not change their status.
        """
        async with self.database.transaction() as connection:
            status = await self.users.lock_status(connection, uid)
            await self.require_another_superadmin(connection, status.user)

    def _refusal(self, status: Status) -> str | None:
        """The state in which an administrator keeps the user out.

        A state that the labels do not explain came from an administrator, too: of an earlier
        release, or of the Barong from which the user was imported.
        """
        state = status.user.state
        explained = state == self.rules.state(status.applied.labels)
        if status.refusal is None and state in REFUSALS and not explained:
            return state
        return status.refusal

    async def _follow(self, connection: Connection, status: Status, labels: PrivateLabels) -> User:
        user, refusal = status.user, self._refusal(status)
        state = stricter(self.rules.state(labels.labels), refusal)
        level = self.rules.level(labels.labels)
        if state != ACTIVE and await self.is_last_superadmin(connection, user):
            log.warning("last_superadmin_stays", uid=user.uid, state=state)
            state = user.state
        if (state, level, refusal) == (user.state, user.level, status.refusal):
            return user
        changed = await self.users.set_status(connection, user, state, level, refusal)
        await self.revoke_access(connection, changed)
        return changed


def build(core: Core, users: Users, sessions: Sessions, mail_tokens: MailTokens) -> AccountStatus:
    """The status of accounts, by the rules of levels.yaml and states.yaml."""
    rules = account_status_rules(core.settings.config_dir)
    return AccountStatus(core.database, core.outbox, users, sessions, mail_tokens, rules)
