"""SQL of data storages."""

from collections.abc import Sequence
from typing import Any

from resource_svc.attachments.rows import select_sets
from resource_svc.data_storages.data_storage import DataStorage
from shared.contracts.attachments import DATA_STORAGES, AttachmentSet
from shared.database.pool import Connection, Record

_COLUMNS = "id, uid, title, data, version, created_at, updated_at"


async def next_version(connection: Connection, uid: str) -> int:
    """Counts a change, and keeps everyone else from this user's storages until it is done."""
    return int(
        await connection.fetchval(
            """
            INSERT INTO data_storage_sets (uid, version)
            VALUES ($1, 1)
            ON CONFLICT (uid) DO UPDATE
            SET version = data_storage_sets.version + 1
            RETURNING version
            """,
            uid,
        )
    )


async def data_storages_of(connection: Connection, uid: str) -> list[DataStorage]:
    """All data storages of a user, the oldest first."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS}
        FROM data_storages
        WHERE uid = $1
        ORDER BY id
        """,
        uid,
    )
    return [_data_storage(row) for row in rows]


async def is_taken(connection: Connection, uid: str, title: str) -> bool:
    """Whether the user has a data storage with this title."""
    return bool(
        await connection.fetchval(
            """
            SELECT EXISTS (
                SELECT FROM data_storages
                WHERE uid = $1 AND title = $2
            )
            """,
            uid,
            title,
        )
    )


async def insert_data_storage(
    connection: Connection, uid: str, version: int, title: str, data: str
) -> DataStorage:
    """The new data storage, whose title is not taken."""
    row = await connection.fetchrow(
        f"""
        INSERT INTO data_storages (uid, version, title, data)
        VALUES ($1, $2, $3, $4)
        RETURNING {_COLUMNS}
        """,
        uid,
        version,
        title,
        data,
    )
    return _data_storage(row)


async def delete_data_storage(connection: Connection, uid: str, title: str) -> DataStorage | None:
    """Deletes the user's data storage with this title; what it was."""
    row = await connection.fetchrow(
        f"""
        DELETE FROM data_storages
        WHERE uid = $1 AND title = $2
        RETURNING {_COLUMNS}
        """,
        uid,
        title,
    )
    return _data_storage(row) if row else None


async def sets_of(connection: Connection, uids: Sequence[str]) -> list[AttachmentSet]:
    """All data storages of each of these users, as the directory is told of them."""
    return await select_sets(
        connection, DATA_STORAGES, "data_storage_sets", "data_storages", _COLUMNS, uids
    )


async def erase(connection: Connection, uid: str) -> None:
    """Deletes all data storages of a user."""
    for table in ("data_storages", "data_storage_sets"):
        await connection.execute(
            f"""
            DELETE FROM {table}
            WHERE uid = $1
            """,
            uid,
        )


def _data_storage(row: Record | Any) -> DataStorage:
    return DataStorage(**row)
