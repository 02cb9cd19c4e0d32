"""Counts the users that a filter lets pass, where counts are kept."""

from admin_svc.directory import store as users
from admin_svc.directory.counts import store
from admin_svc.directory.counts.weeks import whole_weeks
from admin_svc.directory.filter import UserFilter
from shared.database.pool import Connection


async def kept_total(connection: Connection, wanted: UserFilter) -> int | None:
    """How many users there are, exactly; None where a name, a text or one user is asked for."""
    if wanted.label and wanted == UserFilter(label=wanted.label):
        return await store.tally(connection, wanted.facets[0])
    return await _counted(connection, wanted) if wanted.is_counted else None


async def _counted(connection: Connection, wanted: UserFilter) -> int:
    """Whole weeks are counted already; what is before and after them is not much."""
    start, end = wanted.span
    weeks = whole_weeks(start, end)
    if weeks.are_none:
        return await users.count_in_span(connection, wanted)
    number = await store.count(connection, wanted, weeks.first, weeks.last)
    for edge in ((start, weeks.begin), (weeks.end, end)):
        if edge[0] != edge[1]:
            number += await users.count_in_span(connection, wanted.within(*edge))
    return number
