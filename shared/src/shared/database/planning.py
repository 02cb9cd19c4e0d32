"""Planning of queries whose arguments decide which index is the best."""

from shared.database.pool import Connection


async def plan_each_query(connection: Connection, *, by_index: bool = False) -> None:
    """Has each query of this transaction planned for its arguments, and for data in memory.

    A generic plan does not know which filter is the rare one; planning takes less than a
    millisecond. PostgreSQL's defaults assume rotating disks. With `by_index`, no table is read from
    end to end if an index can be used.
    """
    await connection.execute(
        f"""
        SET LOCAL plan_cache_mode = force_custom_plan;
        SET LOCAL random_page_cost = 1.1;
        SET LOCAL jit = off
        {"; SET LOCAL enable_seqscan = off" if by_index else ""}
        """
    )
