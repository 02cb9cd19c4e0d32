"""The tables of the audit trail."""

from collections.abc import AsyncIterator
from dataclasses import fields
from datetime import datetime
from typing import Any

from admin_svc.audit.models import BEGINNING, Entry, StoredEntry
from shared.database.pool import Connection, Database

_COLUMNS = ", ".join(field.name for field in fields(Entry))
_BATCH = 1000


async def lock_end(connection: Connection) -> tuple[int, bytes]:
    """The number and hash of the last entry; locks the trail until the transaction ends."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' audit', 0))"
    )
    row = await connection.fetchrow(
        """
        SELECT id, hash
        FROM audit_entries
        ORDER BY id DESC
        LIMIT 1
        """
    )
    return (row["id"], row["hash"]) if row else (0, BEGINNING)


async def insert_entry(
    connection: Connection, entry: Entry, previous_hash: bytes, payload: tuple[bytes, str] | None
) -> None:
    """Appends an entry; `payload` is its salt and its payload, None for none."""
    await connection.execute(
        f"""
        INSERT INTO audit_entries ({_COLUMNS}, previous_hash, hash)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        """,
        *(getattr(entry, field.name) for field in fields(entry)),
        previous_hash,
        entry.hash_after(previous_hash),
    )
    if payload is None:
        return
    await connection.execute(
        """
        INSERT INTO audit_payloads (entry_id, salt, payload)
        VALUES ($1, $2, $3)
        """,
        entry.id,
        *payload,
    )


async def delete_payloads(connection: Connection, target_uid: str) -> int:
    """Deletes the payloads about a user; returns their number."""
    status = await connection.execute(
        """
        DELETE FROM audit_payloads
        USING audit_entries
        WHERE audit_payloads.entry_id = audit_entries.id
            AND audit_entries.target_uid = $1
        """,
        target_uid,
    )
    return int(status.removeprefix("DELETE "))


async def entries(database: Database) -> AsyncIterator[StoredEntry]:
    """The chain from its beginning; some entries are in memory at a time."""
    last = 0
    while True:
        async with database.connection() as connection:
            rows = await connection.fetch(
                f"""
                SELECT {_COLUMNS}, previous_hash, hash, salt, payload
                FROM audit_entries
                LEFT JOIN audit_payloads ON entry_id = id
                WHERE id > $1
                ORDER BY id
                LIMIT $2
                """,
                last,
                _BATCH,
            )
        for row in rows:
            yield _stored(row)
        if len(rows) < _BATCH:
            return
        last = rows[-1]["id"]


async def open_intents(connection: Connection, before: datetime, limit: int) -> list[Entry]:
    """Intents before a moment without a known outcome, the oldest first."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS}
        FROM audit_entries intent
        WHERE kind = 'intent'
            AND at < $1
            AND NOT EXISTS (
                SELECT FROM audit_entries
                WHERE kind = 'outcome' AND intent_id = intent.id AND result <> 'unknown'
            )
        ORDER BY id
        LIMIT $2
        """,
        before,
        limit,
    )
    return [_entry(row) for row in rows]


def _stored(row: Any) -> StoredEntry:
    return StoredEntry(
        entry=_entry(row),
        previous_hash=row["previous_hash"],
        hash=row["hash"],
        salt=row["salt"],
        payload=row["payload"],
    )


def _entry(row: Any) -> Entry:
    return Entry(**{field.name: row[field.name] for field in fields(Entry)})
