"""SQL of used nonces."""

from collections.abc import Sequence
from datetime import timedelta

from shared.contracts.api_keys import Nonce
from shared.database.pool import Connection

_SWEPT_AT_ONCE = 10_000

# Without a row nothing is known of what was used before this moment.
_NOTE_BEGINNING = """
    INSERT INTO used_nonces_since
    DEFAULT VALUES
    ON CONFLICT DO NOTHING
"""


async def insert_nonces(
    connection: Connection, nonces: Sequence[Nonce], lifetime: int
) -> tuple[set[Nonce], timedelta]:
    """Which nonces were not there yet, and for how long they have been kept without a gap.

    `lifetime` is in milliseconds. In the order of the key, so that two batches cannot deadlock.
    """
    [row] = await connection.fetch(
        f"""
        WITH began AS (
            {_NOTE_BEGINNING}
            RETURNING since
        ),
        fresh AS (
            INSERT INTO used_nonces (moment, kid, ends_at)
            SELECT moment, kid, moment + $3
            FROM unnest($1::bigint[], $2::text[]) AS asked (moment, kid)
            ORDER BY moment, kid
            ON CONFLICT DO NOTHING
            RETURNING moment, kid
        )
        SELECT
            coalesce(
                now() - (SELECT since FROM used_nonces_since),
                interval '0'
            ) AS kept_for,
            (SELECT coalesce(array_agg(moment), '{{}}') FROM fresh) AS moments,
            (SELECT coalesce(array_agg(kid), '{{}}') FROM fresh) AS kids
        """,
        [nonce.moment for nonce in nonces],
        [nonce.kid for nonce in nonces],
        lifetime,
    )
    return set(map(Nonce, row["kids"], row["moments"])), row["kept_for"]


async def note_beginning(connection: Connection) -> None:
    """Where a crash emptied the tables, nonces are kept from now on."""
    await connection.execute(_NOTE_BEGINNING)


async def delete_nonces(connection: Connection, before: int) -> bool:
    """Deletes nonces that ended before a moment, milliseconds; whether there may be more.

    What another process deletes is left to it.
    """
    deleted = await connection.execute(
        """
        DELETE FROM used_nonces
        WHERE (moment, kid) IN (
            SELECT moment, kid
            FROM used_nonces
            WHERE moment < $1
              AND ends_at < $1
            ORDER BY moment, kid
            LIMIT $2
            FOR UPDATE SKIP LOCKED
        )
        """,
        before,
        _SWEPT_AT_ONCE,
    )
    return int(deleted.split()[-1]) == _SWEPT_AT_ONCE
