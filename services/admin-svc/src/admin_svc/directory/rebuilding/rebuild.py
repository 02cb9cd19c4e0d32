"""Builds the directory anew."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from admin_svc.directory.counts.fold import FoldCounts
from admin_svc.directory.keeping.put import put, remove
from admin_svc.directory.rebuilding import store
from admin_svc.directory.rebuilding.progress import Progress
from shared.clients.identity import IdentityClient
from shared.clients.resource import ResourceClient
from shared.contracts.users import User
from shared.database.pool import Database
from shared.errors import NotFound

PAGE = 500


class AnotherRebuildRuns(Exception):
    """Somebody else is building the directory anew."""


@dataclass(frozen=True, slots=True)
class RebuildDirectory:
    """Page after page in the order of the uids, one transaction each, which also notes the place.

    Killed at any line, it goes on from there the next time. Events are applied meanwhile as ever:
    both put by version. Whom identity-svc does not know is removed, after it was asked for him
    alone: he may have signed up since it gave the page.
    """

    database: Database
    identity: IdentityClient
    resource: ResourceClient
    fold: FoldCounts

    async def __call__(self, *, anew: bool) -> AsyncGenerator[Progress, None]:
        """How far it is after each page; `anew` it begins at the beginning.

        Raises `AnotherRebuildRuns` or `Unavailable`.
        """
        async with self.database.dedicated() as holder:
            done = await store.begin(holder, anew=anew)
            if done is None:
                raise AnotherRebuildRuns
            while users := await self.identity.users_after(done.last_uid, PAGE):
                done = await self._page(done, users)
                yield done
            yield await self._rest(done)

    async def _page(self, done: Progress, users: Sequence[User]) -> Progress:
        uids = [user.uid for user in users]
        sets = await self.resource.attachment_sets(uids)
        strangers = await self._strangers(done.last_uid, uids[-1], uids)
        done = done.after(uids[-1], len(uids), len(strangers))
        async with self.database.transaction() as connection:
            await put(connection, users, sets, again=True)
            await remove(connection, strangers)
            await store.note(connection, done)
        await self.fold()
        return done

    async def _rest(self, done: Progress) -> Progress:
        strangers = await self._strangers(done.last_uid, None, ())
        async with self.database.transaction() as connection:
            await remove(connection, strangers)
            await store.end(connection)
        await self.fold()
        return done.after(done.last_uid, 0, len(strangers))

    async def _strangers(self, after: str, until: str | None, known: Sequence[str]) -> list[str]:
        async with self.database.connection() as connection:
            kept = await store.uids_between(connection, after, until)
        return [uid for uid in sorted(set(kept) - set(known)) if await self._is_gone(uid)]

    async def _is_gone(self, uid: str) -> bool:
        try:
            await self.identity.user(uid)
        except NotFound:
            return True
        return False
