"""SQL of documents and of uploads that are no documents yet."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from resource_svc.attachments.rows import select_sets
from resource_svc.documents.document import Document
from shared.contracts.attachments import DOCUMENTS, AttachmentSet
from shared.database.pool import Connection, Record

_COLUMNS = (
    "id, uid, upload, doc_type, doc_number, doc_expire, metadata, version, created_at, updated_at"
)


async def next_version(connection: Connection, uid: str) -> int:
    """Counts a change, and keeps everyone else from this user's documents until it is done."""
    return int(
        await connection.fetchval(
            """
            INSERT INTO document_sets (uid, version)
            VALUES ($1, 1)
            ON CONFLICT (uid) DO UPDATE
            SET version = document_sets.version + 1
            RETURNING version
            """,
            uid,
        )
    )


async def documents_of(connection: Connection, uid: str) -> list[Document]:
    """All documents of a user, the oldest first."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS}
        FROM documents
        WHERE uid = $1
        ORDER BY id
        """,
        uid,
    )
    return [_document(row) for row in rows]


async def number_of_documents(connection: Connection, uid: str) -> int:
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
    row = await connection.fetchrow(
        f"""
        INSERT INTO documents (uid, version, upload, doc_type, doc_number, doc_expire, metadata)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        RETURNING {_COLUMNS}
        """,
        uid,
        version,
        upload,
        doc_type,
        doc_number,
        doc_expire,
        metadata,
    )
    return _document(row)


async def note_pending(connection: Connection, key: str) -> None:
    """Notes an object that is about to be written."""
    await connection.execute(
        """
        INSERT INTO pending_uploads (key)
        VALUES ($1)
        """,
        key,
    )


async def claim_pending(connection: Connection, keys: Sequence[str]) -> int:
    """How many of these objects were pending; they are not any more, if this is committed.

    A sweep that is under way with one of them is waited for.
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


async def pending_of(connection: Connection, keys: Sequence[str]) -> list[str]:
    """Those of the objects that are pending."""
    rows = await connection.fetch(
        """
        SELECT key
        FROM pending_uploads
        WHERE key = ANY($1)
        """,
        keys,
    )
    return [row["key"] for row in rows]


async def pending_for(connection: Connection, age: timedelta) -> list[str]:
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
    """Whether the object is pending; nobody claims it until the transaction ends."""
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


async def forget_pending(connection: Connection, key: str) -> None:
    """The object is gone."""
    await connection.execute(
        """
        DELETE FROM pending_uploads
        WHERE key = $1
        """,
        key,
    )


async def sets_of(connection: Connection, uids: Sequence[str]) -> list[AttachmentSet]:
    """All documents of each of these users, as the directory is told of them."""
    return await select_sets(connection, DOCUMENTS, "document_sets", "documents", _COLUMNS, uids)


async def erase(connection: Connection, uid: str) -> list[str]:
    """Deletes all documents of a user; the objects, which the next sweep discards at the latest."""
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


def _document(row: Record | Any) -> Document:
    return Document(**row)
