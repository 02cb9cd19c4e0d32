"""Changes that administrators make to users."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from identity_svc.account_status.use_cases import AccountStatus
from identity_svc.core import Core
from identity_svc.email_changes.use_cases import EmailChanges
from identity_svc.second_factor.use_cases import SecondFactors
from identity_svc.sessions.use_cases import Sessions
from identity_svc.users.models import UserNotFound, email_faults
from identity_svc.users.use_cases import Users
from shared.contracts.administration import Administrator, ChangedUser
from shared.contracts.refusals import SessionNotFound, UnknownState
from shared.contracts.users import User
from shared.database.pool import Connection, Database
from shared.errors import Invalid
from shared.policy.account_status import ACTIVE, REFUSALS, stricter
from shared.policy.authority import Authority
from shared.policy.ranks import read_ranks


@dataclass(frozen=True, slots=True)
class Administration:
    """`Authority` decides who may change whom; admin-svc knows which roles exist.

    Each method locks both users and decides by their present state. If two administrators take each
    other's role, one comes first. Each method raises `UserNotFound` or what `Authority.demand`
    raises, besides the errors that it names.
    """

    database: Database
    users: Users
    sessions: Sessions
    account_status: AccountStatus
    second_factors: SecondFactors
    email_changes: EmailChanges
    authority: Authority

    async def get_subject(self, by: Administrator, uid: str) -> tuple[User, User]:
        """The administrator and the user, whom they may change, as they are now.

        Other services call this, because their copies may be older.
        """
        async with self.database.transaction() as connection:
            return await self._lock_both(connection, by, uid)

    async def change_state(self, by: Administrator, uid: str, state: str) -> ChangedUser:
        """Puts a user into another state.

        A refusal (`locked`, `banned`, `deleted`) holds until an administrator sets another state:
        if labels give another one, the stricter of both counts. Every other state holds until the
        user's private labels change. A state that forbids log-in ends all sessions and mailed
        tokens. Also raises `UnknownState` or `LastSuperadmin`.
        """
        rules = self.account_status.rules
        async with self.database.transaction() as connection:
            before = await self._lock_subject(connection, by, uid)
            if state not in rules.states:
                raise UnknownState
            status = await self.users.lock_status(connection, uid)
            refusal = state if state in REFUSALS else None
            if refusal:
                state = stricter(rules.state(status.applied.labels), refusal)
            if (state, refusal) == (before.state, status.refusal):
                return ChangedUser(before, before)
            if state != ACTIVE:
                await self.account_status.require_another_superadmin(connection, before)
            after = await self.users.set_status(connection, before, state, before.level, refusal)
            await self.account_status.revoke_access(connection, after)
        return ChangedUser(before, after)

    async def change_role(self, by: Administrator, uid: str, role: str) -> ChangedUser:
        """Gives a user another role; also raises `LastSuperadmin`."""
        async with self.database.transaction() as connection:
            before = await self._lock_subject(connection, by, uid, role)
            if role == before.role:
                return ChangedUser(before, before)
            await self.account_status.require_another_superadmin(connection, before)
            after = await self.users.set_role(connection, before, role)
        return ChangedUser(before, after)

    async def change_email(self, by: Administrator, uid: str, email: str) -> ChangedUser:
        """Gives a user another address, without proof; the old address can take it back.

        A mail goes to the old address. Also raises `EmailTaken`, or `Invalid` for a text that is no
        address.
        """
        if faults := email_faults(email):
            raise Invalid(faults)
        async with self.database.transaction() as connection:
            before = await self._lock_subject(connection, by, uid)
            if before.email.lower() == email.lower():
                return ChangedUser(before, before)
            after = await self.email_changes.change_within(connection, before, email)
        return ChangedUser(before, after)

    async def reset_second_factor(self, by: Administrator, uid: str) -> ChangedUser:
        """Disables the second factor of a user who lost their authenticator, without a code."""
        async with self.database.transaction() as connection:
            before = await self._lock_subject(connection, by, uid)
            if not before.otp:
                return ChangedUser(before, before)
            return ChangedUser(before, await self.second_factors.disable_within(connection, uid))

    async def end_sessions(
        self, by: Administrator, uid: str, sid: uuid.UUID | None
    ) -> Sequence[str]:
        """Ends one session of a user, or all of them; returns the sids of those that ended.

        API keys and trusted devices stay. Also raises `SessionNotFound`.
        """
        async with self.database.transaction() as connection:
            subject = await self._lock_subject(connection, by, uid)
            if sid is None:
                return await self.sessions.revoke_all(connection, subject)
            if not await self.sessions.revoke_within(connection, uid, sid):
                raise SessionNotFound
        return [str(sid)]

    async def _lock_subject(
        self, connection: Connection, by: Administrator, uid: str, role: str | None = None
    ) -> User:
        """The user, whom `by` may change, and give a `role`, until the transaction ends."""
        _, subject = await self._lock_both(connection, by, uid, role)
        return subject

    async def _lock_both(
        self, connection: Connection, by: Administrator, uid: str, role: str | None = None
    ) -> tuple[User, User]:
        """The same, behind the administrator."""
        users = await self.users.lock_all(connection, {by.uid, uid})
        subject = users.get(uid)
        if subject is None:
            raise UserNotFound
        return self.authority.demand(by, users.get(by.uid), subject, role), subject


def build(
    core: Core,
    users: Users,
    sessions: Sessions,
    account_status: AccountStatus,
    second_factors: SecondFactors,
    email_changes: EmailChanges,
) -> Administration:
    """Administrators' changes, by the ranks of ranks.yaml."""
    authority = Authority(read_ranks(core.settings.ranks_path))
    return Administration(
        core.database, users, sessions, account_status, second_factors, email_changes, authority
    )
