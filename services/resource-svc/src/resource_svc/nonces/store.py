"""SQL of used nonces."""

from collections.abc import Sequence
from datetime import timedelta

from shared.contracts.api_keys import Nonce
from shared.database.pool import Connection

_SWEPT_AT_ONCE = 10_000

# Without a row, nobody knows which nonces were used before this moment.
_NOTE_BEGINNING = """
    INSERT INTO used_nonces_since
    DEFAULT VALUES
    ON CONFLICT DO NOTHING
"""


async def insert_nonces(
    connection: Connection, nonces: Sequence[Nonce], lifetime: int
) -> tuple[set[tuple[str, int, str]], timedelta]:
    """Identities of the new nonces, and for how long nonces have been stored.

    `lifetime` is in milliseconds. Rows are written in the order of their keys, so that two batches
    cannot deadlock.
    """
    numbers = [nonce for nonce in nonces if not nonce.text]
    texts = [nonce for nonce in nonces if nonce.text]
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
        ),
        fresh_texts AS (
            INSERT INTO used_message_nonces (kid, nonce, ends_at)
            SELECT kid, nonce, max(moment) + $3
            FROM unnest($4::text[], $5::text[], $6::bigint[]) AS asked (kid, nonce, moment)
            GROUP BY kid, nonce
            ORDER BY kid, nonce
            ON CONFLICT DO NOTHING
            RETURNING kid, nonce
        )
        SELECT
            coalesce(
                now() - (SELECT since FROM used_nonces_since),
                interval '0'
            ) AS kept_for,
            (SELECT coalesce(array_agg(moment), '{{}}') FROM fresh) AS moments,
            (SELECT coalesce(array_agg(kid), '{{}}') FROM fresh) AS kids,
            (SELECT coalesce(array_agg(nonce), '{{}}') FROM fresh_texts) AS texts,
            (SELECT coalesce(array_agg(kid), '{{}}') FROM fresh_texts) AS kids_of_texts
        """,
        [nonce.moment for nonce in numbers],
        [nonce.kid for nonce in numbers],
        lifetime,
        [nonce.kid for nonce in texts],
        [nonce.text for nonce in texts],
        [nonce.moment for nonce in texts],
    )
    fresh = {(kid, moment, "") for kid, moment in zip(row["kids"], row["moments"], strict=True)}
    fresh |= {(kid, 0, text) for kid, text in zip(row["kids_of_texts"], row["texts"], strict=True)}
    return fresh, row["kept_for"]


async def note_beginning(connection: Connection) -> None:
    """Records that nonces are stored from now on, if a crash has emptied the tables."""
    await connection.execute(_NOTE_BEGINNING)


async def delete_nonces(connection: Connection, before: int) -> bool:
    """Deletes nonces that ended before a moment, milliseconds; whether there may be more.

    Skips nonces that another process is deleting.
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


async def delete_message_nonces(connection: Connection, before: int) -> bool:
    """Deletes nonces of message signatures as `delete_nonces` deletes those of version 1."""
    deleted = await connection.execute(
        """
        DELETE FROM used_message_nonces
        WHERE (kid, nonce) IN (
            SELECT kid, nonce
            FROM used_message_nonces
            WHERE ends_at < $1
            ORDER BY ends_at
            LIMIT $2
            FOR UPDATE SKIP LOCKED
        )
        """,
        before,
        _SWEPT_AT_ONCE,
    )
    return int(deleted.split()[-1]) == _SWEPT_AT_ONCE
