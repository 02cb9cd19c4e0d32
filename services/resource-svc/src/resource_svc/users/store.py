"""SQL of the replica of identity-svc's users."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

from shared.contracts.users import User
from shared.database.pool import Connection, Record

T = TypeVar("T")

_COLUMNS = ", ".join(User.__slots__)


class Attachment(Protocol):
    """A record that is shown with its user; a dataclass whose fields are columns of its table."""

    def to_public(self) -> dict[str, Any]:
        """As the public API shows it."""
        ...


async def upsert(connection: Connection, user: User) -> User:
    """Stores the user if they are newer than the stored one; the one that is stored then."""
    row = await connection.fetchrow(
        f"""
        INSERT INTO users (
            uid, email, role, level, otp, state, referral_uid, data, created_at, updated_at, version
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (uid) DO UPDATE
        SET email = excluded.email,
            role = excluded.role,
            level = excluded.level,
            otp = excluded.otp,
            state = excluded.state,
            referral_uid = excluded.referral_uid,
            data = excluded.data,
            created_at = excluded.created_at,
            updated_at = excluded.updated_at,
            version = excluded.version
        WHERE users.version < excluded.version
        RETURNING {_COLUMNS}
        """,
        user.uid,
        user.email,
        user.role,
        user.level,
        user.otp,
        user.state,
        user.referral_uid,
        user.data,
        user.created_at,
        user.updated_at,
        user.version,
    )
    return User(**row) if row else (await find_user(connection, user.uid) or user)


async def find_user(connection: Connection, uid: str) -> User | None:
    """The user in the replica."""
    row = await connection.fetchrow(
        f"""
        SELECT {_COLUMNS}
        FROM users
        WHERE uid = $1
        """,
        uid,
    )
    return User(**row) if row else None


class AttachmentsQuery:
    """Reads users and all attachments that are shown with them.

    Only this statement reads tables of other features. Front ends need its answer for every page,
    and one statement takes a third of the time of five.
    """

    def __init__(self, records: Mapping[str, type[Attachment]]) -> None:
        """`records` are the attachments by table, in the order in which they are shown."""
        self._records = records
        columns = ", ".join(
            (
                f"(SELECT found FROM ({_select('users', User)}) AS found) AS user",
                *(
                    f"ARRAY(SELECT found FROM ({_select(name, record)} ORDER BY id) AS found)"
                    f" AS {name}"
                    for name, record in records.items()
                ),
            )
        )
        self._sql = f"""
            SELECT {columns}
            FROM unnest($1::text[]) WITH ORDINALITY AS asked (uid, place)
            ORDER BY place
            """

    async def read(
        self, connection: Connection, uids: Sequence[str]
    ) -> Sequence[tuple[User | None, Mapping[str, Sequence[Attachment]]]]:
        """For each uid, the user in the replica, and their attachments by table, oldest first."""
        rows = await connection.fetch(self._sql, uids)
        return [
            (
                _made(User, row["user"]) if row["user"] else None,
                {
                    name: [_made(record, each) for each in row[name]]
                    for name, record in self._records.items()
                },
            )
            for row in rows
        ]


def _select(table: str, record: type[Any]) -> str:
    return f"SELECT {', '.join(record.__slots__)} FROM {table} WHERE uid = asked.uid"


def _made(kind: type[T], row: Record) -> T:
    """The record of a row without names, whose columns are the fields of `kind`."""
    return kind(**dict(zip(kind.__slots__, row, strict=True)))  # type: ignore[attr-defined]


async def lock_user(connection: Connection, uid: str) -> User | None:
    """Returns the user in the replica, and locks the row until the transaction ends."""
    row = await connection.fetchrow(
        f"""
        SELECT {_COLUMNS}
        FROM users
        WHERE uid = $1
        FOR UPDATE
        """,
        uid,
    )
    return User(**row) if row else None


async def lock_users(connection: Connection, uids: Collection[str]) -> Mapping[str, User]:
    """Those of these users that are stored; locks their rows until the transaction ends.

    Locks are taken in one order, so that two transactions cannot deadlock.
    """
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS}
        FROM users
        WHERE uid = ANY($1)
        ORDER BY uid
        FOR UPDATE
        """,
        list(uids),
    )
    return {row["uid"]: User(**row) for row in rows}


async def api_keys_ended_at(connection: Connection, uid: str) -> datetime | None:
    """When all API keys of the user ended last."""
    ended: datetime | None = await connection.fetchval(
        """
        SELECT api_keys_ended_at
        FROM users
        WHERE uid = $1
        """,
        uid,
    )
    return ended


async def record_end_of_api_keys(connection: Connection, uid: str) -> None:
    """Records that all API keys of a locked user end now."""
    await connection.execute(
        """
        UPDATE users
        SET api_keys_ended_at = clock_timestamp()
        WHERE uid = $1
        """,
        uid,
    )
