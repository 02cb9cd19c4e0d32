"""Reading the directory, and keeping it up to date."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from admin_svc.core import Core
from admin_svc.directory import store
from admin_svc.directory.facets import PRIVATE, SEARCHED
from admin_svc.directory.models import (
    Cursor,
    Found,
    Listed,
    Page,
    UserFilter,
    UserNotFound,
    UserWithAttachments,
)
from admin_svc.user_counts.models import CountedUsers, whole_weeks
from admin_svc.user_counts.use_cases import UserCounts
from shared.clients.resource import ResourceClient
from shared.contracts.attachments import DOCUMENTS, KINDS, LABELS, PROFILES, AttachmentSnapshot
from shared.contracts.events import ReceivedEvent
from shared.contracts.users import User
from shared.database.planning import plan_each_query
from shared.database.pool import Connection, Database
from shared.errors import Unavailable
from shared.values.totals import Total

log = structlog.get_logger()

BOUND = 5_000
"""The largest number of users that is counted where no counts are kept."""

_IMPORTED = 0
"""The version of labels that come with an imported user: any that resource-svc sends is newer."""


@dataclass(frozen=True, slots=True)
class Directory:
    """The read model of users: a projection of the events of identity-svc and resource-svc."""

    database: Database
    counts: UserCounts
    resource: ResourceClient

    async def list_users(self, wanted: UserFilter, page: Page) -> Found:
        """One page of the users that meet the filter."""
        one_more = replace(page, limit=page.limit + 1)  # shows whether there is a next page
        async with self.database.transaction() as connection:
            await plan_each_query(connection, by_index=True)
            number = await self.exact_total(connection, wanted)
            if number is None:
                found, total = await _list_uncounted(connection, wanted, one_more)
            else:
                found = await self._list_counted(connection, wanted, one_more, number)
                total = Total(number)
        last = found[page.limit - 1] if len(found) > page.limit else None
        return Found(
            users=[each.user for each in found[: page.limit]],
            total=total,
            next=Cursor(page.order, last.position, last.user.uid) if last else None,
        )

    async def exact_total(self, connection: Connection, wanted: UserFilter) -> int | None:
        """The exact number of users that meet the filter, from the counts.

        None for a filter by one user, a name or a text, of which no counts are kept.
        """
        if wanted.label and wanted == UserFilter(label=wanted.label):
            return await self.counts.tally(connection, wanted.facets[0])
        counted = wanted.counted
        return None if counted is None else await self._count(connection, wanted, counted)

    async def get(self, uid: str) -> User:
        """The user; raises `UserNotFound`."""
        users = await self.users_by_uid([uid])
        if uid not in users:
            raise UserNotFound
        return users[uid]

    async def users_by_uid(self, uids: Collection[str]) -> Mapping[str, User]:
        """Those of these users that the directory has, by uid."""
        async with self.database.connection() as connection:
            return {user.uid: user for user in await store.users_by_uid(connection, uids)}

    async def uids_by_email(self, email: str) -> list[str]:
        """The users with this e-mail, in any case."""
        async with self.database.connection() as connection:
            return await store.uids_by_email(connection, email)

    async def with_profiles(self, users: Sequence[User]) -> list[UserWithAttachments]:
        """These users with their profiles, in the same order."""
        return await self._with_attachments(users, [PROFILES])

    async def with_everything(self, users: Sequence[User]) -> list[UserWithAttachments]:
        """These users with all their attachments, and links to their documents, in the same order.

        Raises `Unavailable` when there are documents and resource-svc makes no links to them.
        """
        found = await self._with_attachments(users, KINDS)
        uploads = [record["upload"] for each in found for record in each.attachments[DOCUMENTS]]
        links = await self.resource.upload_links(uploads) if uploads else []
        by_upload = dict(zip(uploads, links, strict=True))
        return [replace(each, links=by_upload) for each in found]

    async def list_profiles(
        self, limit: int, offset: int
    ) -> tuple[Sequence[Mapping[str, Any]], int]:
        """One page of the records of all profiles, the oldest first, and the number of all."""
        async with self.database.connection() as connection:
            total = await self.counts.tally(connection, PROFILES)
            if offset >= total:
                return (), total
            return await store.select_profiles(connection, limit, offset), total

    async def list_labels(self, scope: str = PRIVATE) -> dict[tuple[str, str], int]:
        """The number of users with each (key, value) of this scope, in order."""
        facets = await self.counts.label_facets(scope)
        labels = (name.split(":") for name in facets)
        return dict(zip(((key, value) for _, key, value in labels), facets.values(), strict=True))

    async def upsert(
        self,
        connection: Connection,
        users: Sequence[User] = (),
        snapshots: Sequence[AttachmentSnapshot] = (),
        *,
        equal_versions: bool = False,
    ) -> None:
        """Stores each, unless the stored version is as new or the user was erased.

        With `equal_versions`, snapshots of the stored version are stored again, so that their
        facets become those of this release.

        A repetition, a delay or another order of calls changes nothing. No user, and no kind of
        attachments of a user, may be in one call twice.
        """
        uids = [user.uid for user in users] + [each.uid for each in snapshots]
        await store.lock(connection, uids)
        new = await store.upsert_users(connection, users) if users else []
        stored = (
            await store.upsert_attachments(connection, snapshots, equal_versions=equal_versions)
            if snapshots
            else []
        )
        if profiles := [each for each in stored if each.kind == PROFILES]:
            await store.upsert_positions(connection, profiles)
        if searched := {*new, *(each.uid for each in stored if each.kind in SEARCHED)}:
            await store.copy_facets(connection, list(searched))

    async def upsert_user(self, connection: Connection, event: ReceivedEvent) -> None:
        """The reaction to `model.user.*`: stores the user, and labels imported with the user.

        Raises KeyError, TypeError or ValueError for an incomplete event.
        """
        user = User.of(event.snapshot)
        labels: list[dict[str, Any]] = event.snapshot.get("labels", [])
        imported = AttachmentSnapshot(uid=user.uid, kind=LABELS, version=_IMPORTED, records=labels)
        await self.upsert(connection, [user], [imported] if labels else [])

    async def upsert_attachments(self, connection: Connection, event: ReceivedEvent) -> None:
        """The reaction to `model.label.*`, `model.profile.*` and the like: stores the snapshot.

        Raises KeyError, TypeError or ValueError for an incomplete event.
        """
        snapshot = AttachmentSnapshot.of(event.snapshot["attachments"])
        await self.upsert(connection, snapshots=[snapshot])

    async def remove(self, connection: Connection, uids: Sequence[str]) -> None:
        """Deletes users; later events of them bring them back."""
        await store.lock(connection, uids)
        await store.delete(connection, uids)

    async def erase(self, connection: Connection, uid: str) -> None:
        """Deletes a user for good: later events of the user change nothing."""
        await store.lock(connection, [uid])
        await store.mark_erased(connection, uid)
        await store.delete(connection, [uid])

    async def is_erased(self, connection: Connection, uid: str) -> bool:
        """Whether the user was erased."""
        return await store.is_erased(connection, uid)

    async def refresh(self, user: User, snapshots: Sequence[AttachmentSnapshot] = ()) -> None:
        """Stores what an owner answered to an administrator's change, before its events.

        So the administrator's next call shows the change. Nothing is lost when it fails: the
        events do the same.
        """
        try:
            async with self.database.transaction() as connection:
                await self.upsert(connection, [user], snapshots)
        except Unavailable as error:
            log.warning("directory_awaits_events", uid=user.uid, reason=str(error))

    async def _with_attachments(
        self, users: Sequence[User], kinds: Sequence[str]
    ) -> list[UserWithAttachments]:
        uids = [user.uid for user in users]
        async with self.database.connection() as connection:
            records = await store.select_attachments(connection, uids, kinds)
        return [
            UserWithAttachments(user, {kind: records.get((user.uid, kind), []) for kind in kinds})
            for user in users
        ]

    async def _count(
        self, connection: Connection, wanted: UserFilter, counted: CountedUsers
    ) -> int:
        """Adds the counts of whole weeks and the few users before and after them."""
        start, end = wanted.span
        weeks = whole_weeks(start, end)
        if weeks.are_none:
            return await store.count_in_span(connection, wanted)
        number = await self.counts.count(connection, counted, weeks)
        for edge in ((start, weeks.begin), (weeks.end, end)):
            if edge[0] != edge[1]:
                number += await store.count_in_span(connection, wanted.within(*edge))
        return number

    async def _list_counted(
        self, connection: Connection, wanted: UserFilter, page: Page, total: int
    ) -> Sequence[Listed]:
        if page.offset >= total:
            return ()
        walked = await self.exact_total(connection, wanted.walked) or 0
        # The wanted users are `total` of `walked`: is the walk to the end of the page longer?
        if total * total < walked * (page.offset + page.limit):
            return (await store.select_sorted(connection, wanted, page))[0]
        return await _walk(connection, wanted, page)


async def _list_uncounted(
    connection: Connection, wanted: UserFilter, page: Page
) -> tuple[Sequence[Listed], Total]:
    found, number = await store.select_sorted(connection, wanted, page, BOUND + 1)
    if number <= BOUND:
        return found, Total(number)
    return await _walk(connection, wanted, page), Total(BOUND, exact=False)


async def _walk(connection: Connection, wanted: UserFilter, page: Page) -> Sequence[Listed]:
    found = await store.select_walking(connection, wanted, page)
    return (await store.select_sorted(connection, wanted, page))[0] if found is None else found


def build(core: Core, counts: UserCounts) -> Directory:
    """Wires the feature."""
    return Directory(core.database, counts, core.resource)
