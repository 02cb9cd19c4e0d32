"""Transactions that write something of a user: each begins with the lock on the user."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from resource_svc.users import store
from resource_svc.users.errors import UnknownUser
from resource_svc.users.keep_user import KeepUser
from resource_svc.users.lock_user import lock_actor, lock_user, there
from shared.clients.identity import IdentityClient
from shared.contracts.administration import Administrator
from shared.contracts.users import User
from shared.database.pool import Connection, Database
from shared.errors import Invalid
from shared.policy.authority import Authority

Begun: TypeAlias = AbstractAsyncContextManager[tuple[Connection, User]]
"""A transaction with its user, who stays as they are until it ends."""

_Lock: TypeAlias = Callable[[Connection], Awaitable[User]]


@dataclass(frozen=True, slots=True)
class UserTransactions:
    """The replica answers, with the one query that locks the user.

    Only a user whom it has not heard of is asked for at identity-svc. No transaction is open and
    nothing is locked meanwhile.
    """

    database: Database
    identity: IdentityClient
    keep_user: KeepUser
    authority: Authority

    def of(self, uid: str) -> Begun:
        """A transaction about a user.

        Here and below: raises `NotFound`, `UserErased` for a user who was erased, or `Unavailable`
        where identity-svc has to be asked and does not answer.
        """
        return self._begun(partial(lock_user, uid=uid), partial(self._fetch, uid), UnknownUser)

    def of_actor(self, uid: str) -> Begun:
        """A transaction in which users write something themselves; raises `UserNotActive`, too."""
        return self._begun(partial(lock_actor, uid=uid), partial(self._fetch, uid), UnknownUser)

    def of_subject(self, uid: str, by: Administrator) -> Begun:
        """A transaction in which an administrator changes something of a user.

        The administrator is locked as well: whoever takes their power waits for the end of the
        transaction, or comes first. What the replica refuses may be due to an event that is late,
        so identity-svc is asked before it is refused. Raises what `Authority.demand` raises.
        """
        return self._begun(
            partial(self._lock_subject, uid=uid, by=by),
            partial(self._fetch_both, uid, by),
            (UnknownUser, Invalid),
        )

    @asynccontextmanager
    async def _begun(
        self,
        lock: _Lock,
        fetch: Callable[[], Awaitable[None]],
        stale: type[Exception] | tuple[type[Exception], ...],
    ) -> AsyncIterator[tuple[Connection, User]]:
        """`fetch` is called when `lock` raises what may be `stale`, and `lock` once more."""
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

    async def _lock_subject(self, connection: Connection, uid: str, by: Administrator) -> User:
        users = await store.lock_users(connection, {uid, by.uid})
        subject = there(users.get(uid))
        self.authority.demand(by, users.get(by.uid), subject)
        return subject

    async def _fetch(self, uid: str) -> None:
        await self.keep_user(await self.identity.user(uid))

    async def _fetch_both(self, uid: str, by: Administrator) -> None:
        for user in await self.identity.authorized(by, uid):
            await self.keep_user(user)
