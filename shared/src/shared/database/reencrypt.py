"""Encrypts the sealed values of a schema again, with the first key of the ring."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from shared.crypto.key_ring import KeyRing, UndecryptableError
from shared.database.pool import Database

_BATCH = 500


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of sealed values by a unique `key`; `context` is what each value is bound to."""

    table: str
    key: str
    column: str
    context: Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Reencrypted:
    """The number of values encrypted again, and of those that no key of the ring opens."""

    values: int
    unreadable: int


async def reencrypt(database: Database, ring: KeyRing, column: SealedColumn) -> Reencrypted:
    """Encrypts every value of a column with the first key, in one small transaction each.

    A value that changes meanwhile is skipped; a second call does what is left.
    """
    values = unreadable = 0
    async for key, sealed in _under_other_keys(database, ring, column):
        context = column.context(key)
        try:
            anew = ring.encrypt(ring.decrypt(sealed, context), context)
        except UndecryptableError:
            unreadable += 1
            continue
        async with database.connection() as connection:
            status = await connection.execute(
                f"""
                UPDATE {column.table}
                SET {column.column} = $3
                WHERE {column.key} = $1
                  AND {column.column} = $2
                """,  # noqa: S608 - the names are constants of the code
                key,
                sealed,
                anew,
            )
        values += status == "UPDATE 1"
    return Reencrypted(values, unreadable)


async def _under_other_keys(
    database: Database, ring: KeyRing, column: SealedColumn
) -> AsyncIterator[tuple[Any, bytes]]:
    last = None
    while True:
        # The first key of all is the one without a predecessor, whatever type the keys have.
        after = f"AND {column.key} > $2" if last is not None else ""
        async with database.connection() as connection:
            rows = await connection.fetch(
                f"""
                SELECT {column.key} AS key, {column.column} AS sealed
                FROM {column.table}
                WHERE substring({column.column} FOR length($1::bytea)) <> $1
                {after}
                ORDER BY {column.key}
                LIMIT {_BATCH}
                """,  # noqa: S608 - the names are constants of the code
                ring.mark,
                *([] if last is None else [last]),
            )
        for row in rows:
            yield row["key"], row["sealed"]
        if len(rows) < _BATCH:
            return
        last = rows[-1]["key"]
