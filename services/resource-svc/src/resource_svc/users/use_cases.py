"""Reads and upserts users, and begins the transactions that change something of a user."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias

from resource_svc.core import Core
from resource_svc.users import store
from resource_svc.users.models import UnknownUser, UserErased
from resource_svc.users.store import Attachment, AttachmentsQuery
from shared.batch_loader import BatchLoader
from shared.clients.identity import IdentityClient
from shared.contracts.administration import Administrator
from shared.contracts.users import MAY_ACT, User, erased_user
from shared.database.pool import Connection, Database
from shared.errors import Invalid, UserNotActive
from shared.policy.authority import Authority
from shared.policy.ranks import read_ranks

UserTransaction: TypeAlias = AbstractAsyncContextManager[tuple[Connection, User]]
"""A transaction with its user, whose row it has locked."""

_Lock: TypeAlias = Callable[[Connection], Awaitable[User]]
_WithAttachments: TypeAlias = tuple[User | None, Mapping[str, Any]]

_USERS_PER_QUERY = 50


class AttachmentsReader:
    """Reads users with their attachments; calls that come at the same time share a query."""

    def __init__(self, database: Database, query: AttachmentsQuery) -> None:
        self._database = database
        self._query = query
        self._loader = BatchLoader(self._load, _USERS_PER_QUERY, "postgresql")

    async def read(self, uid: str) -> _WithAttachments:
        """The user in the replica, and lists of public models by name."""
        return await self._loader.get(uid)

    async def _load(self, uids: Sequence[str]) -> Sequence[_WithAttachments]:
        async with self._database.connection() as connection:
            users = await self._query.read(connection, uids)
        return [
            (user, {name: [each.to_public() for each in records] for name, records in kept.items()})
            for user, kept in users
        ]


@dataclass(frozen=True, slots=True)
class Users:
    """The replica of identity-svc's users.

    Every change of a user's records is made in one of the transactions here, which lock the user
    before everything else. So an erasure comes before the change, which then finds no user, or
    after it, and deletes it.
    """

    database: Database
    identity: IdentityClient
    authority: Authority
    attachments: AttachmentsReader

    async def get(self, uid: str) -> User:
        """The user; only one who is new to the replica is fetched from identity-svc.

        Raises `NotFound`, `UserErased`, or `Unavailable` when an unknown user cannot be fetched.
        """
        async with self.database.connection() as connection:
            user = await store.find_user(connection, uid)
        if user is not None and user.erased:
            raise UserErased
        return user or await self.fetch(uid)

    async def fetch(self, uid: str) -> User:
        """The user from identity-svc; raises `NotFound`, `UserErased` or `Unavailable`."""
        return await self.upsert(await self.identity.user(uid))

    async def upsert(self, user: User) -> User:
        """Stores the user if they are newer than the replica; the newest that is known.

        Raises `UserErased`.
        """
        async with self.database.connection() as connection:  # one statement writes
            return await self.upsert_within(connection, user)

    async def upsert_within(self, connection: Connection, user: User) -> User:
        """The same, in a transaction of the caller's."""
        newest = await store.upsert(connection, user)
        if newest.erased:
            raise UserErased
        return newest

    async def update_data(self, uid: str, data: str) -> User:
        """The user with the data that front ends store; identity-svc owns and checks them.

        Raises `Invalid`, `NotFound` or `Unavailable`.
        """
        return await self.upsert(await self.identity.change_data(uid, data))

    async def list_attachments(self, uid: str) -> Mapping[str, Any]:
        """Lists of public models by name; empty ones for an unknown user."""
        _, attached = await self.attachments.read(uid)
        return attached

    async def get_with_attachments(self, uid: str) -> tuple[User, Mapping[str, Any]]:
        """The user and the same lists; raises what `get` raises."""
        user, attached = await self.attachments.read(uid)
        if user is None or user.erased:
            user = await self.get(uid)
        return user, attached

    def transaction(self, uid: str) -> UserTransaction:
        """A transaction about a user.

        This and the following raise `NotFound`, `UserErased`, or `Unavailable` when identity-svc
        has to be asked and does not answer. Meanwhile no transaction is open.
        """
        return self._transaction(partial(self.lock, uid=uid), partial(self.fetch, uid), UnknownUser)

    def actor_transaction(self, uid: str) -> UserTransaction:
        """A transaction in which users change something of their own; raises `UserNotActive`, too.

        The gateway checked the user when the call began. They may have been banned since.
        """
        return self._transaction(
            partial(self._lock_actor, uid=uid), partial(self.fetch, uid), UnknownUser
        )

    def subject_transaction(self, uid: str, by: Administrator) -> UserTransaction:
        """A transaction in which an administrator changes something of a user.

        Locks the administrator, too, so that a change of their role comes before the transaction or
        after it. A refusal by the replica may be due to a late event, so identity-svc is called
        before it counts. Raises what `Authority.demand` raises.
        """
        return self._transaction(
            partial(self._lock_subject, uid=uid, by=by),
            partial(self._fetch_both, uid, by),
            (UnknownUser, Invalid),
        )

    async def lock(self, connection: Connection, uid: str) -> User:
        """Returns the user, and locks the row until the caller's transaction ends.

        Raises `UnknownUser` or `UserErased`.
        """
        return _existing(await store.lock_user(connection, uid))

    async def find(self, connection: Connection, uid: str, *, lock: bool = False) -> User | None:
        """The user in the replica, a tombstone included; locked until the transaction ends."""
        if lock:
            return await store.lock_user(connection, uid)
        return await store.find_user(connection, uid)

    async def api_keys_ended_at(self, connection: Connection, uid: str) -> datetime | None:
        """When all API keys of the user ended last."""
        return await store.api_keys_ended_at(connection, uid)

    async def record_end_of_api_keys(self, connection: Connection, uid: str) -> None:
        """Records that all API keys of a locked user end now."""
        await store.record_end_of_api_keys(connection, uid)

    async def erase(self, connection: Connection, uid: str, at: datetime) -> None:
        """Replaces the user by a tombstone, which is newer than every event."""
        await store.upsert(connection, erased_user(uid, at))

    @asynccontextmanager
    async def _transaction(
        self,
        lock: _Lock,
        fetch: Callable[[], Awaitable[object]],
        stale: type[Exception] | tuple[type[Exception], ...],
    ) -> AsyncIterator[tuple[Connection, User]]:
        """Calls `fetch`, and `lock` once more, when `lock` raises what may be `stale`."""
        for is_last in (False, True):
            async with self.database.transaction() as connection:
                try:
                    user = await lock(connection)
                except stale:
                    if is_last:
                        raise
                else:
                    yield connection, user
                    return
            await fetch()

    async def _lock_actor(self, connection: Connection, uid: str) -> User:
        user = await self.lock(connection, uid)
        if user.state not in MAY_ACT:
            raise UserNotActive
        return user

    async def _lock_subject(self, connection: Connection, uid: str, by: Administrator) -> User:
        users = await store.lock_users(connection, {uid, by.uid})
        subject = _existing(users.get(uid))
        self.authority.demand(by, users.get(by.uid), subject)
        return subject

    async def _fetch_both(self, uid: str, by: Administrator) -> None:
        for user in await self.identity.authorized(by, uid):
            await self.upsert(user)


def _existing(user: User | None) -> User:
    if user is None:
        raise UnknownUser
    if user.erased:
        raise UserErased
    return user


def build(core: Core, attachments: Mapping[str, type[Attachment]]) -> Users:
    """The use cases of users; `attachments` are the records shown with a user, by table."""
    authority = Authority(read_ranks(core.settings.ranks_path))
    reader = AttachmentsReader(core.database, AttachmentsQuery(attachments))
    return Users(core.database, core.identity, authority, reader)
