"""SQL of documents and of uploads that are no documents yet."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from resource_svc.attachments.table import AttachmentTable
from resource_svc.documents.models import Document
from shared.contracts.attachments import DOCUMENTS
from shared.database.pool import Connection

DOCUMENT_TABLE = AttachmentTable(DOCUMENTS, Document, "documents", "document_sets")


async def count_documents(connection: Connection, uid: str) -> int:
    """How many documents the user has."""
    return int(
        await connection.fetchval(
            """
            SELECT count(*)
            FROM documents
            WHERE uid = $1
            """,
            uid,
        )
    )


async def insert_document(
    connection: Connection,
    uid: str,
    version: int,
    upload: str,
    doc_type: str,
    doc_number: str,
    doc_expire: date | None,
    metadata: str | None,
) -> Document:
    """The new document."""
    row: Any = await connection.fetchrow(
        f"""
        INSERT INTO documents (uid, version, upload, doc_type, doc_number, doc_expire, metadata)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        RETURNING {DOCUMENT_TABLE.columns}
        """,
        uid,
        version,
        upload,
        doc_type,
        doc_number,
        doc_expire,
        metadata,
    )
    return Document(**row)


async def insert_pending(connection: Connection, key: str) -> None:
    """Records an object that is about to be written."""
    await connection.execute(
        """
        INSERT INTO pending_uploads (key)
        VALUES ($1)
        """,
        key,
    )


async def claim_pending(connection: Connection, keys: Sequence[str]) -> int:
    """How many of these objects were pending; after the commit they are not any more.

    Waits for a sweep that is discarding one of them.
    """
    rows = await connection.fetch(
        """
        DELETE FROM pending_uploads
        WHERE key = ANY($1)
        RETURNING key
        """,
        keys,
    )
    return len(rows)


async def list_pending(connection: Connection, keys: Sequence[str]) -> list[str]:
    """The objects among these that are pending."""
    rows = await connection.fetch(
        """
        SELECT key
        FROM pending_uploads
        WHERE key = ANY($1)
        """,
        keys,
    )
    return [row["key"] for row in rows]


async def list_pending_for(connection: Connection, age: timedelta) -> list[str]:
    """Objects that have been pending for longer than `age`."""
    rows = await connection.fetch(
        """
        SELECT key
        FROM pending_uploads
        WHERE created_at < now() - $1::interval
        ORDER BY created_at
        """,
        age,
    )
    return [row["key"] for row in rows]


async def lock_pending(connection: Connection, key: str) -> bool:
    """Returns whether the object is pending, and locks its row until the transaction ends."""
    return bool(
        await connection.fetchval(
            """
            SELECT true
            FROM pending_uploads
            WHERE key = $1
            FOR UPDATE
            """,
            key,
        )
    )


async def delete_pending(connection: Connection, key: str) -> None:
    """Deletes the record of an object that was deleted."""
    await connection.execute(
        """
        DELETE FROM pending_uploads
        WHERE key = $1
        """,
        key,
    )


async def erase(connection: Connection, uid: str) -> list[str]:
    """Deletes all documents of a user; their objects become pending, and are due for the sweep."""
    rows = await connection.fetch(
        """
        WITH erased AS (
            DELETE FROM documents
            WHERE uid = $1
            RETURNING upload
        )
        INSERT INTO pending_uploads (key, created_at)
        SELECT upload, '-infinity'
        FROM erased
        RETURNING key
        """,
        uid,
    )
    await connection.execute(
        """
        DELETE FROM document_sets
        WHERE uid = $1
        """,
        uid,
    )
    return [row["key"] for row in rows]
