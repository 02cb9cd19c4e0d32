"""SQL of the import: rows wait in tables of their own until they are imported."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

from identity_svc.importing.models import (
    OTP_OFF,
    REFUSED_LABELS,
    REFUSED_USERS,
    Remark,
    WaitingUser,
)
from shared.contracts.labels import ImportedLabel
from shared.database.pool import Connection

_LONG = 600.0  # seconds, for a statement over all rows

_USER_COLUMNS = (
    "line",
    "id",
    "uid",
    "email",
    "password_digest",
    "role",
    "level",
    "state",
    "otp",
    "data",
    "referral_id",
    "referral_uid",
    "created_at",
    "updated_at",
)
_LABEL_COLUMNS = (
    "line",
    "user_id",
    "uid",
    "scope",
    "key",
    "value",
    "description",
    "created_at",
    "updated_at",
)
_REMARK_COLUMNS = ("report", "line", "user_id", "uid", "reasons")

# A label names its user by the id of their row, or by their uid.
_OWNERS = (("user_id", "id"), ("uid", "uid"))
_LABELS_OF_LINES = """
    SELECT import_users.line AS user_line, import_labels.*
    FROM import_users
    JOIN import_labels ON import_labels.{} = import_users.{}
    WHERE import_users.line = ANY($1)
"""


async def begin(connection: Connection) -> bool:
    """Empties the tables; returns False while another import runs."""
    if not await connection.fetchval(
        "SELECT pg_try_advisory_lock(hashtextextended('import-users', 0))"
    ):
        return False
    await connection.execute(
        f"SET statement_timeout = '{_LONG:.0f}s'; SET lock_timeout = '{_LONG:.0f}s'"
    )
    await end(connection)
    return True


async def end(connection: Connection) -> None:
    """Deletes everything that was read."""
    await connection.execute("TRUNCATE import_users, import_labels, import_remarks")


async def forget_user(connection: Connection, uid: str) -> None:
    """Deletes what an import that died has left of a user; remarks hold no more than their uid."""
    await connection.execute(
        """
        WITH forgotten AS (
            DELETE FROM import_users
            WHERE uid = $1
            RETURNING id
        )
        DELETE FROM import_labels
        WHERE uid = $1
           OR user_id IN (SELECT id FROM forgotten)
        """,
        uid,
    )


async def add_users(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Stores rows of users.csv."""
    await _copy(connection, "import_users", _USER_COLUMNS, rows)


async def add_labels(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Stores rows of labels.csv."""
    await _copy(connection, "import_labels", _LABEL_COLUMNS, rows)


async def add_remarks(connection: Connection, remarks: Iterable[Remark]) -> None:
    """Stores what there is to report."""
    rows = ({name: getattr(remark, name) for name in _REMARK_COLUMNS} for remark in remarks)
    await _copy(connection, "import_remarks", _REMARK_COLUMNS, rows)


async def _copy(
    connection: Connection, table: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]
) -> None:
    records = [tuple(row[column] for column in columns) for row in rows]
    await connection.copy_records_to_table(table, records=records, columns=columns)


async def finish_reading(connection: Connection) -> int:
    """Refuses labels of unknown users; returns how many users wait."""
    await connection.execute("ANALYZE import_users, import_labels, import_remarks", timeout=_LONG)
    for label, user in _OWNERS:
        await connection.execute(
            f"""
            INSERT INTO import_remarks (report, line, user_id, uid, reasons)
            SELECT $1, line, user_id, uid, ARRAY['user.unknown']
            FROM import_labels
            WHERE {label} IS NOT NULL
              AND NOT EXISTS (
                  SELECT FROM import_users WHERE import_users.{user} = import_labels.{label}
              )
            """,
            REFUSED_LABELS,
            timeout=_LONG,
        )
    return int(await connection.fetchval("SELECT count(*) FROM import_users", timeout=_LONG))


async def next_users(connection: Connection, after: int, limit: int) -> list[WaitingUser]:
    """The next rows in the order of the file."""
    rows = await connection.fetch(
        """
        SELECT
            new.line,
            new.uid,
            new.email,
            new.password_digest,
            new.role,
            new.level,
            new.state,
            new.data,
            new.created_at,
            new.updated_at,
            EXISTS (
                SELECT FROM import_users other
                WHERE other.uid = new.uid AND other.line < new.line
            ) AS uid_is_second,
            EXISTS (
                SELECT FROM import_users other
                WHERE lower(other.email) = lower(new.email) AND other.line < new.line
            ) AS email_is_second,
            coalesce(new.referral_uid, new.referral_id::text) IS NOT NULL AS has_referral,
            new.referral_uid,
            coalesce(
                (SELECT min(uid) FROM import_users WHERE uid = new.referral_uid),
                (SELECT min(uid) FROM import_users WHERE id = new.referral_id)
            ) AS referral_in_file,
            EXISTS (
                SELECT FROM import_remarks remark
                WHERE remark.report = $3 AND remark.user_id = new.id
            ) OR EXISTS (
                SELECT FROM import_remarks remark
                WHERE remark.report = $3 AND remark.uid = new.uid
            ) AS has_refused_labels
        FROM import_users new
        WHERE new.line > $1
        ORDER BY new.line
        LIMIT $2
        """,
        after,
        limit,
        REFUSED_LABELS,
    )
    return [WaitingUser(**row) for row in rows]


async def labels_of(connection: Connection, lines: Sequence[int]) -> dict[int, list[ImportedLabel]]:
    """The labels of the users on these lines, by line."""
    by_line: dict[int, list[ImportedLabel]] = {line: [] for line in lines}
    queries = (_LABELS_OF_LINES.format(*owner) for owner in _OWNERS)
    rows = await connection.fetch(f"{' UNION ALL '.join(queries)} ORDER BY line", lines)
    for row in rows:
        label = ImportedLabel(**{name: row[name] for name in ImportedLabel.__slots__})
        by_line[row["user_line"]].append(label)
    return by_line


async def remark_otp_off(connection: Connection) -> None:
    """Notes whose second factor is not imported."""
    await connection.execute(
        """
        INSERT INTO import_remarks (report, line, uid, reasons)
        SELECT $1, line, uid, ARRAY['otp.off']
        FROM import_users
        WHERE otp
          AND NOT EXISTS (
              SELECT FROM import_remarks refused
              WHERE refused.report = $2 AND refused.line = import_users.line
          )
        """,
        OTP_OFF,
        REFUSED_USERS,
        timeout=_LONG,
    )


async def remarks(connection: Connection, report: str) -> AsyncIterator[Remark]:
    """Everything that one report has, in the order of the file."""
    async with connection.transaction():
        async for row in connection.cursor(
            """
            SELECT report, line, uid, user_id, array_agg(reason ORDER BY position) AS reasons
            FROM import_remarks, unnest(reasons) WITH ORDINALITY AS told (reason, position)
            WHERE report = $1
            GROUP BY report, line, uid, user_id
            ORDER BY line
            """,
            report,
        ):
            yield Remark(**row)
