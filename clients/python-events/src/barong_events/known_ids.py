"""The ids of events that were handled, by which a repeated event is recognized."""

from collections import OrderedDict
from typing import Any, Protocol
from uuid import UUID


class KnownIds(Protocol):
    """Remembers ids. What it raises makes the event wait."""

    async def has(self, event_id: UUID) -> bool:
        """Whether the event was handled."""
        ...

    async def add(self, event_id: UUID) -> None:
        """Called when a handler is done."""
        ...


class MemoryIds:
    """The newest ids, in this process; `size` is how many."""

    def __init__(self, size: int = 100_000) -> None:
        self._size = size
        self._ids: OrderedDict[UUID, None] = OrderedDict()

    async def has(self, event_id: UUID) -> bool:
        """See `KnownIds`."""
        return event_id in self._ids

    async def add(self, event_id: UUID) -> None:
        """See `KnownIds`."""
        self._ids[event_id] = None
        if len(self._ids) > self._size:
            self._ids.popitem(last=False)


class _Pool(Protocol):
    """The methods of `asyncpg.Pool` that are used."""

    async def fetchval(self, query: str, *args: Any) -> Any: ...

    async def execute(self, query: str, *args: Any) -> Any: ...


class PostgresIds:
    """Ids in a table of PostgreSQL, shared by all processes of a subscriber.

    A crash between the handler and `add` still repeats an event. If a handler writes to the same
    database, it can insert the event's id into the table in its own transaction instead.
    """

    def __init__(self, pool: _Pool, table: str = "barong_events_handled") -> None:
        """`pool` is an asyncpg pool; `table` is a lower-case name, with its schema or without."""
        if not table.replace(".", "_").isidentifier():
            raise ValueError(f"not a table's name: {table}")
        self._pool = pool
        self._table = table

    async def create(self) -> None:
        """Creates the table if it does not exist; several processes may do so at the same time."""
        await self._pool.execute(
            # PostgreSQL looks for the table before it locks the name.
            f"DO $$ BEGIN CREATE TABLE IF NOT EXISTS {self._table}"
            " (id uuid PRIMARY KEY, handled_at timestamptz NOT NULL DEFAULT now());"
            " EXCEPTION WHEN unique_violation OR duplicate_table THEN NULL; END $$"
        )

    async def forget(self, days: int = 30) -> None:
        """Deletes ids that are older; call it now and then."""
        await self._pool.execute(
            f"DELETE FROM {self._table} WHERE handled_at < now() - make_interval(days => $1)",  # noqa: S608 - the name is checked
            days,
        )

    async def has(self, event_id: UUID) -> bool:
        """See `KnownIds`."""
        found = await self._pool.fetchval(
            f"SELECT EXISTS (SELECT FROM {self._table} WHERE id = $1)",  # noqa: S608 - as above
            event_id,
        )
        return bool(found)

    async def add(self, event_id: UUID) -> None:
        """See `KnownIds`."""
        await self._pool.execute(
            f"INSERT INTO {self._table} (id) VALUES ($1) ON CONFLICT DO NOTHING",  # noqa: S608 - as above
            event_id,
        )
