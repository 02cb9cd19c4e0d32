"""Rebuilding the directory from its owners, while everything runs."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from admin_svc.core import Core
from admin_svc.directory import store
from admin_svc.directory.models import Progress
from admin_svc.directory.use_cases import Directory
from admin_svc.user_counts.use_cases import UserCounts
from shared.clients.identity import IdentityClient
from shared.clients.resource import ResourceClient
from shared.contracts.users import User
from shared.database.pool import Database
from shared.errors import NotFound

PAGE = 500
"""The number of users in one transaction."""


class AnotherRebuildRuns(Exception):
    """Another process is rebuilding the directory."""


@dataclass(frozen=True, slots=True)
class DirectoryRebuild:
    """Rebuilds page after page in the order of uids; each transaction also stores the progress.

    Killed at any line, it resumes at the last page the next time. Events are applied meanwhile:
    both upsert by version. Users whom identity-svc does not have are removed; identity-svc is
    asked for each of them alone, since they may have signed up after it answered with the page.
    """

    database: Database
    directory: Directory
    counts: UserCounts
    identity: IdentityClient
    resource: ResourceClient
    page_size: int = PAGE

    async def run(self, *, anew: bool) -> AsyncGenerator[Progress, None]:
        """The progress after each page; with `anew`, it starts from the first user.

        Raises `AnotherRebuildRuns` or `Unavailable`.
        """
        async with self.database.dedicated() as holder:
            progress = await store.begin_rebuild(holder, anew=anew)
            if progress is None:
                raise AnotherRebuildRuns
            while users := await self.identity.users_after(progress.last_uid, self.page_size):
                progress = await self._rebuild_page(progress, users)
                yield progress
            yield await self._finish(progress)

    async def _rebuild_page(self, progress: Progress, users: Sequence[User]) -> Progress:
        uids = [user.uid for user in users]
        snapshots = await self.resource.attachment_snapshots(uids)
        unknown = await self._unknown(progress.last_uid, uids[-1], uids)
        progress = progress.after(uids[-1], len(uids), len(unknown))
        async with self.database.transaction() as connection:
            await self.directory.upsert(connection, users, snapshots, equal_versions=True)
            await self.directory.remove(connection, unknown)
            await store.update_rebuild(connection, progress)
        await self.counts.fold()
        return progress

    async def _finish(self, progress: Progress) -> Progress:
        unknown = await self._unknown(progress.last_uid, None, ())
        async with self.database.transaction() as connection:
            await self.directory.remove(connection, unknown)
            await store.end_rebuild(connection)
        await self.counts.fold()
        return progress.after(progress.last_uid, 0, len(unknown))

    async def _unknown(self, after: str, until: str | None, known: Sequence[str]) -> list[str]:
        """The users of the directory in a range of uids whom identity-svc does not have."""
        async with self.database.connection() as connection:
            stored = await store.uids_between(connection, after, until)
        return [uid for uid in sorted(set(stored) - set(known)) if await self._is_gone(uid)]

    async def _is_gone(self, uid: str) -> bool:
        try:
            await self.identity.user(uid)
        except NotFound:
            return True
        return False


def build(core: Core, directory: Directory, counts: UserCounts) -> DirectoryRebuild:
    """Wires the rebuild."""
    return DirectoryRebuild(core.database, directory, counts, core.identity, core.resource)
