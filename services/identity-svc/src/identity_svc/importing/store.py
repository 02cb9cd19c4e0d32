"""SQL of the import: rows wait in tables of their own until they are taken over."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from identity_svc.users.rows import COLUMNS, user_of
from shared.contracts.labels import TakenOverLabel
from shared.contracts.users import User
from shared.database.pool import Connection

REFUSED_USERS, REFUSED_LABELS, OTP_OFF = "users.refused", "labels.refused", "users.otp_off"
REPORTS = (REFUSED_USERS, REFUSED_LABELS, OTP_OFF)

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

# A label says whose it is by the id of his row, or by his uid.
_OWNERS = (("user_id", "id"), ("uid", "uid"))
_LABELS_OF_LINES = """
    SELECT import_users.line AS user_line, import_labels.*
    FROM import_users
    JOIN import_labels ON import_labels.{} = import_users.{}
    WHERE import_users.line = ANY($1)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something to be told of a row."""

    report: str
    line: int
    reasons: Sequence[str]
    user_id: int | None = None
    uid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingUser:
    """A row that was read, and what the other rows and the users there are make of it."""

    line: int
    uid: str
    is_there: bool
    """Or was, and is erased."""
    uid_is_second: bool
    email_is_second: bool
    email_is_taken: bool
    has_referral: bool
    referral: str | None
    """The uid of the user who brought him, if that is anybody."""
    has_refused_labels: bool


async def begin(connection: Connection) -> bool:
    """Empties the tables; False while another import runs."""
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
    """Forgets everything that was read."""
    await connection.execute("TRUNCATE import_users, import_labels, import_remarks")


async def forget_user(connection: Connection, uid: str) -> None:
    """Forgets what an import that died has left of a user; remarks tell no more than his uid."""
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
    """Keeps rows of users.csv."""
    await _copy(connection, "import_users", _USER_COLUMNS, rows)


async def add_labels(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Keeps rows of labels.csv."""
    await _copy(connection, "import_labels", _LABEL_COLUMNS, rows)


async def add_remarks(connection: Connection, remarks: Iterable[Remark]) -> None:
    """Keeps what there is to be told."""
    rows = ({name: getattr(remark, name) for name in _REMARK_COLUMNS} for remark in remarks)
    await _copy(connection, "import_remarks", _REMARK_COLUMNS, rows)


async def _copy(
    connection: Connection, table: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]
) -> None:
    records = [tuple(row[column] for column in columns) for row in rows]
    await connection.copy_records_to_table(table, records=records, columns=columns)


async def finish_reading(connection: Connection) -> int:
    """Refuses labels of nobody; how many users wait."""
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
            EXISTS (SELECT FROM users WHERE users.uid = new.uid)
            OR EXISTS (SELECT FROM erased_users WHERE erased_users.uid = new.uid) AS is_there,
            EXISTS (
                SELECT FROM import_users other
                WHERE other.uid = new.uid AND other.line < new.line
            ) AS uid_is_second,
            EXISTS (
                SELECT FROM import_users other
                WHERE lower(other.email) = lower(new.email) AND other.line < new.line
            ) AS email_is_second,
            EXISTS (
                SELECT FROM users WHERE lower(users.email) = lower(new.email)
            ) AS email_is_taken,
            coalesce(new.referral_uid, new.referral_id::text) IS NOT NULL AS has_referral,
            coalesce(
                (SELECT users.uid FROM users WHERE users.uid = new.referral_uid),
                (SELECT min(uid) FROM import_users WHERE uid = new.referral_uid),
                (SELECT min(uid) FROM import_users WHERE id = new.referral_id)
            ) AS referral,
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


async def labels_of(
    connection: Connection, lines: Sequence[int]
) -> dict[int, list[TakenOverLabel]]:
    """The labels of the users on these lines, by line."""
    by_line: dict[int, list[TakenOverLabel]] = {line: [] for line in lines}
    queries = (_LABELS_OF_LINES.format(*owner) for owner in _OWNERS)
    rows = await connection.fetch(f"{' UNION ALL '.join(queries)} ORDER BY line", lines)
    for row in rows:
        label = TakenOverLabel(**{name: row[name] for name in TakenOverLabel.__slots__})
        by_line[row["user_line"]].append(label)
    return by_line


async def take_over(
    connection: Connection,
    lines: Sequence[int],
    referrals: Sequence[str | None],
    private_labels: Sequence[str],
) -> dict[int, User]:
    """The users made of these lines, by line, without those whom somebody made meanwhile.

    `private_labels` are JSON texts.
    """
    rows = await connection.fetch(
        f"""
        WITH made AS (
            INSERT INTO users (
                uid, email, password_digest, role, level, state, referral_uid, data,
                private_labels, email_confirmed_at, created_at, updated_at
            )
            SELECT
                uid, email, password_digest, role, level, state, taken.referral, data,
                taken.labels::jsonb,
                CASE WHEN taken.labels::jsonb ->> 'email' = 'verified' THEN updated_at END,
                created_at, updated_at
            FROM import_users
            JOIN unnest($1::bigint[], $2::text[], $3::text[]) AS taken (line, referral, labels)
                USING (line)
            ORDER BY line
            ON CONFLICT DO NOTHING
            RETURNING {COLUMNS}
        )
        SELECT import_users.line AS line_of_file, made.*
        FROM made
        JOIN import_users ON import_users.uid = made.uid
        WHERE import_users.line = ANY($1)
        """,
        lines,
        referrals,
        private_labels,
    )
    return {row["line_of_file"]: user_of(row) for row in rows}


async def remark_otp_off(connection: Connection) -> None:
    """Notes whose second factor is not taken over."""
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
    """Everything that one report tells, in the order of the file."""
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
