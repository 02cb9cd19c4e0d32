"""Links accounts at other OpenID providers, lists them, and ends links."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from identity_svc.activities.models import LINK_ACCOUNT, UNLINK_ACCOUNT
from identity_svc.activities.use_cases import Activities
from identity_svc.core import Core
from identity_svc.linked_accounts import store
from identity_svc.linked_accounts.events import linked_account_changed
from identity_svc.linked_accounts.models import (
    MAX_LINKED,
    LinkedAccount,
    LinkedAccountNotFound,
    LinkedAccountTaken,
    Shown,
    TooManyLinkedAccounts,
)
from identity_svc.openid_providers.models import Identity
from identity_svc.provider_log_ins.models import ProviderAnswer
from identity_svc.provider_log_ins.use_cases import ProviderLogIns
from identity_svc.sessions.models import NoSession
from identity_svc.sessions.use_cases import Sessions
from identity_svc.users.use_cases import Users
from shared.contracts.activities import Client
from shared.contracts.users import User
from shared.database.pool import Connection, Database
from shared.errors import SessionEnded
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class LinkedAccounts:
    """An account at a provider is linked to one user at most, who logs in by it.

    A user links in a session, shortly after they were verified. `link` is for log-ins, which know
    by other means that both are the same person.
    """

    database: Database
    outbox: Outbox
    users: Users
    sessions: Sessions
    provider_log_ins: ProviderLogIns
    activities: Activities

    async def ask_to_add(self, uid: str, sid: str | None, provider: str) -> str:
        """The address at the provider, to which the user's browser goes.

        Raises `UserNotFound`, `UserNotActive`, `StepUpRequired`, `TooManyLinkedAccounts`,
        `UnknownProvider` or `ProviderUnavailable`.
        """
        async with self.database.transaction() as connection:
            await self.users.lock_active(connection, uid)
            await self.sessions.require_recent(connection, uid, sid)
            await self._require_room(connection, uid)
        return await self.provider_log_ins.ask_to_link(provider, uid, _uuid(sid))

    async def add(
        self, uid: str, sid: str | None, provider: str, answer: ProviderAnswer, client: Client
    ) -> Shown:
        """Links the account with which the browser came back from the provider.

        `request` was called for a user who had been verified shortly before, in this session.
        Raises what `ProviderLogIns.check` does, `UserNotFound`, `UserNotActive`, `NoSession`,
        `LinkedAccountTaken`, `TooManyLinkedAccounts`, or `SessionEnded` where the session ended
        meanwhile.
        """
        async with self.activities.record_refusals(uid, client, LINK_ACCOUNT):
            session = _uuid(sid)
            proven = await self.provider_log_ins.check_link(provider, answer, uid, session)
            async with self.database.transaction() as connection:
                user = await self.users.lock_active(connection, uid)
                if not await self.sessions.lives(connection, session):
                    raise SessionEnded
                await self.provider_log_ins.use(connection, proven)
                shown = await self._insert(connection, user, proven.identity, session)
                await self.activities.record_success(connection, uid, client, LINK_ACCOUNT)
        return shown

    async def link(
        self, connection: Connection, user: User, identity: Identity, client: Client
    ) -> None:
        """Links an account of a locked user, in the transaction of the log-in with it.

        Raises `LinkedAccountTaken` or `TooManyLinkedAccounts`: the transaction is lost.
        """
        await self._insert(connection, user, identity, None)
        await self.activities.record_success(connection, user.uid, client, LINK_ACCOUNT)

    async def find_owner(self, identity: Identity) -> str | None:
        """The uid of the user to whom this account is linked."""
        async with self.database.connection() as connection:
            account = await store.find(connection, identity.issuer, identity.subject)
        return account.uid if account else None

    async def note_use(self, connection: Connection, user: User, identity: Identity) -> bool:
        """Whether this account is linked to the locked user; notes its use."""
        return await store.note_use(connection, user.uid, identity.issuer, identity.subject)

    async def list(self, uid: str) -> Sequence[Shown]:
        """The linked accounts of a user, the oldest first."""
        async with self.database.connection() as connection:
            accounts = await store.list_accounts(connection, uid)
        return [self._shown(each) for each in accounts]

    async def remove(
        self, uid: str, sid: str | None, account: uuid.UUID | None, client: Client
    ) -> None:
        """Ends a link; a user without another way to log in can reset their password by mail.

        Raises `LinkedAccountNotFound`, `UserNotActive` or `StepUpRequired`.
        """
        async with (
            self.activities.record_refusals(uid, client, UNLINK_ACCOUNT),
            self.database.transaction() as connection,
        ):
            user = await self.users.lock_active(connection, uid)
            await self.sessions.require_recent(connection, uid, sid)
            deleted = account and await store.delete(connection, uid, account)
            if not deleted:
                raise LinkedAccountNotFound
            event = linked_account_changed("deleted", user, self._shown(deleted))
            await self.outbox.add(connection, event)
            await self.activities.record_success(connection, uid, client, UNLINK_ACCOUNT)

    async def end_others(self, connection: Connection, user: User, sid: uuid.UUID | None) -> None:
        """Ends the links of a locked user that were not made in this session."""
        deleted = await store.delete_all_but(connection, user.uid, sid)
        events = [linked_account_changed("deleted", user, self._shown(each)) for each in deleted]
        await self.outbox.add(connection, *events)

    async def _insert(
        self, connection: Connection, user: User, identity: Identity, sid: uuid.UUID | None
    ) -> Shown:
        await self._require_room(connection, user.uid)
        if await store.find(connection, identity.issuer, identity.subject):
            raise LinkedAccountTaken
        account = await store.insert(connection, user.uid, identity, sid, used=sid is None)
        shown = self._shown(account)
        await self.outbox.add(connection, linked_account_changed("created", user, shown))
        return shown

    async def _require_room(self, connection: Connection, uid: str) -> None:
        if await store.count(connection, uid) >= MAX_LINKED:
            raise TooManyLinkedAccounts

    def _shown(self, account: LinkedAccount) -> Shown:
        provider = self.provider_log_ins.providers.find_by_issuer(account.issuer)
        if provider is None:
            return Shown(account, None, account.issuer)
        return Shown(account, provider.name, provider.label)


def build(
    core: Core,
    users: Users,
    sessions: Sessions,
    provider_log_ins: ProviderLogIns,
    activities: Activities,
) -> LinkedAccounts:
    """The linked accounts of this installation's users."""
    return LinkedAccounts(core.database, core.outbox, users, sessions, provider_log_ins, activities)


def _uuid(sid: str | None) -> uuid.UUID:
    if sid is None:
        raise NoSession
    return uuid.UUID(sid)
