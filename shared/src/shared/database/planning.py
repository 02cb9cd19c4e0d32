"""How PostgreSQL is to plan queries whose arguments decide which index is the best."""

from shared.database.pool import Connection


async def plan_each_query(connection: Connection, *, by_index: bool = False) -> None:
    """Has the queries of this transaction planned for their very arguments, and data in memory.

    A plan for any arguments knows nothing of which filter is the rare one; planning takes less than
    a millisecond. The settings are PostgreSQL's own, whatever the server's are, which are made for
    rotating disks. `by_index`: no table is read from end to end where an index can be used.
    """
    await connection.execute(
        f"""
        SET LOCAL plan_cache_mode = force_custom_plan;
        SET LOCAL random_page_cost = 1.1;
        SET LOCAL jit = off
        {"; SET LOCAL enable_seqscan = off" if by_index else ""}
        """
    )
