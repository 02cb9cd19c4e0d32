"""Finding users."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from admin_svc.directory import store
from admin_svc.directory.counts.total import kept_total
from admin_svc.directory.filter import UserFilter
from admin_svc.directory.order import Cursor, Page
from admin_svc.directory.store import Listed
from shared.contracts.users import User
from shared.database.planning import plan_each_query
from shared.database.pool import Connection, Database
from shared.web.pagination import Total

BOUND = 5_000
"""How many users are counted where no counts are kept."""


@dataclass(frozen=True, slots=True)
class Found:
    """One page, how many there are in all, and where the next page begins, if there is one."""

    users: Sequence[User]
    total: Total
    next: Cursor | None


@dataclass(frozen=True, slots=True)
class FindUsers:
    """Finds users in the directory."""

    database: Database

    async def __call__(self, wanted: UserFilter, page: Page) -> Found:
        """One page of those wanted."""
        one_more = replace(page, limit=page.limit + 1)  # tells whether there is a next page
        async with self.database.transaction() as connection:
            await plan_each_query(connection, by_index=True)
            total = await kept_total(connection, wanted)
            if total is None:
                found, there_are = await _uncounted(connection, wanted, one_more)
            else:
                found, there_are = await _counted(connection, wanted, one_more, total), Total(total)
        last = found[page.limit - 1] if len(found) > page.limit else None
        return Found(
            users=[each.user for each in found[: page.limit]],
            total=there_are,
            next=Cursor(page.order, last.position, last.user.uid) if last else None,
        )


async def _counted(
    connection: Connection, wanted: UserFilter, page: Page, total: int
) -> Sequence[Listed]:
    if page.offset >= total:
        return ()
    others = await kept_total(connection, wanted.way) or 0
    # Of so many on the way, this share is wanted: is that way, to the end of the page, the longer?
    if total * total < others * (page.offset + page.limit):
        return (await store.select_sorted(connection, wanted, page))[0]
    return await _walked(connection, wanted, page)


async def _uncounted(
    connection: Connection, wanted: UserFilter, page: Page
) -> tuple[Sequence[Listed], Total]:
    found, number = await store.select_sorted(connection, wanted, page, BOUND + 1)
    if number <= BOUND:
        return found, Total(number)
    return await _walked(connection, wanted, page), Total(BOUND, exact=False)


async def _walked(connection: Connection, wanted: UserFilter, page: Page) -> Sequence[Listed]:
    found = await store.select_walking(connection, wanted, page)
    return (await store.select_sorted(connection, wanted, page))[0] if found is None else found
