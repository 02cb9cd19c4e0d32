"""SQL of mails for a log-in.

Statements that lock several rows lock them in the order of their ids, so that they cannot deadlock.
"""

import uuid
from collections.abc import Sequence
from typing import Any

from identity_svc.mail_log_ins.models import MAX_PER_BROWSER, MAX_TRIES, Digests, MailLogIn
from shared.database.pool import Connection

_COLUMNS = "id, uid, browser, link, code_in_browser, code_with_link"

_LIVES = f"tries < {MAX_TRIES} AND expires_at > now()"


async def insert(connection: Connection, mail: MailLogIn, seconds: int) -> None:
    """Stores a mail, or that none is sent; of too many of one browser the oldest end.

    Those that were not sent end first, so that somebody who asks again and again does not lose the
    mail.
    """
    await connection.execute(
        """
        INSERT INTO mail_log_ins (
            id, uid, browser, link, code_in_browser, code_with_link, expires_at
        )
        VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7))
        """,
        mail.id,
        mail.uid,
        mail.digests.browser,
        mail.digests.link,
        mail.digests.code_in_browser,
        mail.digests.code_with_link,
        seconds,
    )
    await connection.execute(
        """
        DELETE FROM mail_log_ins
        WHERE id IN (
            SELECT id
            FROM mail_log_ins
            WHERE id IN (
                SELECT id
                FROM mail_log_ins
                WHERE browser = $1
                ORDER BY uid IS NULL, created_at DESC, id
                OFFSET $2
            )
            ORDER BY id
            FOR UPDATE
        )
        """,
        mail.digests.browser,
        MAX_PER_BROWSER,
    )


async def find_by_link(connection: Connection, link: bytes) -> MailLogIn | None:
    """The mail with this link; None where it does not work."""
    row = await connection.fetchrow(
        f"""
        SELECT {_COLUMNS}
        FROM mail_log_ins
        WHERE link = $1
          AND {_LIVES}
        """,
        link,
    )
    return _mail_log_in(row) if row else None


async def count_try(connection: Connection, mail: uuid.UUID) -> bool:
    """Counts a try at the code of this mail; false where it allows none."""
    status = await connection.execute(
        f"""
        UPDATE mail_log_ins
        SET tries = tries + 1
        WHERE id = $1
          AND {_LIVES}
        """,
        mail,
    )
    return status == "UPDATE 1"


async def count_try_in_browser(
    connection: Connection, browsers: Sequence[bytes]
) -> list[MailLogIn]:
    """Counts an attempt for all mails of a browser; returns those that allow it, the newest first.

    A browser with several cookies counts as each of them.
    """
    rows = await connection.fetch(
        f"""
        WITH living AS (
            SELECT id
            FROM mail_log_ins
            WHERE browser = ANY($1::bytea[])
              AND {_LIVES}
            ORDER BY id
            FOR UPDATE
        ),
        tried AS (
            UPDATE mail_log_ins
            SET tries = tries + 1
            FROM living
            WHERE mail_log_ins.id = living.id
            RETURNING mail_log_ins.*
        )
        SELECT {_COLUMNS}
        FROM tried
        ORDER BY created_at DESC, id
        """,
        browsers,
    )
    return [_mail_log_in(row) for row in rows]


async def forgive_try(connection: Connection, mail: uuid.UUID) -> None:
    """Takes back the count of the last attempt, because its code was right."""
    await connection.execute(
        """
        UPDATE mail_log_ins
        SET tries = tries - 1
        WHERE id = $1
          AND tries > 0
        """,
        mail,
    )


async def delete_of_user(connection: Connection, uid: str) -> None:
    """Deletes all mails of a locked user."""
    await connection.execute(
        """
        DELETE FROM mail_log_ins
        WHERE id IN (
            SELECT id
            FROM mail_log_ins
            WHERE uid = $1
            ORDER BY id
            FOR UPDATE
        )
        """,
        uid,
    )


async def delete_expired(connection: Connection) -> None:
    """Deletes what works no longer because of its age."""
    await connection.execute(
        """
        DELETE FROM mail_log_ins
        WHERE id IN (
            SELECT id
            FROM mail_log_ins
            WHERE expires_at < now()
            ORDER BY id
            FOR UPDATE
        )
        """
    )


def _mail_log_in(row: Any) -> MailLogIn:
    digests = Digests(row["browser"], row["link"], row["code_in_browser"], row["code_with_link"])
    return MailLogIn(row["id"], row["uid"], digests)
