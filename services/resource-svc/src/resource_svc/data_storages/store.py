"""SQL of data storages."""

from typing import Any

from resource_svc.attachments.table import AttachmentTable
from resource_svc.data_storages.models import DataStorage
from shared.contracts.attachments import DATA_STORAGES
from shared.database.pool import Connection, Record

DATA_STORAGE_TABLE = AttachmentTable(
    DATA_STORAGES, DataStorage, "data_storages", "data_storage_sets"
)

_COLUMNS = DATA_STORAGE_TABLE.columns


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


def _data_storage(row: Record | Any) -> DataStorage:
    return DataStorage(**row)
