"""SQL of mails that were sent."""

import uuid

from shared.database.pool import Connection

_SECONDS = 180
"""Longer than a relay may take for one mail, all its waits together."""


async def claim(connection: Connection, event_id: uuid.UUID, mail: str, recipient: bytes) -> bool:
    """Claims a mail; whether it is still to be sent. The claim lasts until the transaction ends.

    Waits for a transaction under way that has claimed it.
    """
    await connection.execute(
        f"SET LOCAL idle_in_transaction_session_timeout = '{_SECONDS}s'"  # no user's input
    )
    status = await connection.execute(
        """
        INSERT INTO mails (event_id, mail, recipient)
        VALUES ($1, $2, $3)
        ON CONFLICT (event_id, mail) DO NOTHING
        """,
        event_id,
        mail,
        recipient,
    )
    return status == "INSERT 0 1"


async def number_sent(connection: Connection, recipient: bytes, hours: int) -> int:
    """How many mails of the kind the recipient got in the last `hours`."""
    return int(
        await connection.fetchval(
            """
            SELECT count(*)
            FROM mails
            WHERE recipient = $1
              AND created_at > now() - make_interval(hours => $2)
              AND state = 'sent'
            """,
            recipient,
            hours,
        )
    )


async def finish(connection: Connection, event_id: uuid.UUID, mail: str, state: str) -> None:
    """Stores the outcome of a claimed mail."""
    await connection.execute(
        """
        UPDATE mails
        SET state = $3
        WHERE event_id = $1
          AND mail = $2
        """,
        event_id,
        mail,
        state,
    )


async def forget_recipients(connection: Connection) -> None:
    """Deletes the digests by which mails are counted, a day after the mail: no limit is longer."""
    await connection.execute(
        """
        UPDATE mails
        SET recipient = NULL
        WHERE recipient IS NOT NULL
          AND created_at < now() - interval '1 day'
        """
    )


async def prune(connection: Connection) -> None:
    """Deletes mails of more than 31 days ago: dead letters, too, are gone by then."""
    await connection.execute(
        """
        DELETE FROM mails
        WHERE created_at < now() - interval '31 days'
        """
    )
