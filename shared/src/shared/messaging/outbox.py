"""The outbox: events, written in the transaction of the change that they report."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.contracts.catalogue import USER_ERASED
from shared.contracts.changes import changes_of, note
from shared.contracts.events import Event
from shared.crypto.key_ring import KeyRing
from shared.database.partitions import Month, NoPartition, make_partition, missing_partitions
from shared.database.pool import Connection
from shared.database.reencrypt import SealedColumn
from shared.tracing import TRACEPARENT, headers

ARCHIVE = "events"
"""The table of published events, partitioned by the month in which they were published."""

# It locks the archive before it sees the marks of erased users and the clock: none of its rows is
# older than what `forget` or a new replay found in the archive.
_ARCHIVE = """
    WITH published AS (
        DELETE FROM outbox
        WHERE id = ANY($1)
        RETURNING
            *,
            coalesce(record -> 'user' ->> 'uid', record ->> 'uid') AS uid,
            record ->> 'target_uid' AS target_uid
    )
    INSERT INTO events (
        id, event_id, name, uid, target_uid, record, changes, snapshot, had_secrets, created_at,
        published_at
    )
    SELECT
        id, event_id, name, uid, target_uid, record, changes, snapshot, sealed IS NOT NULL,
        created_at, (SELECT clock_timestamp())
    FROM published
    WHERE name = $2
       OR NOT EXISTS (
           SELECT
           FROM events_erased_users AS erased
           WHERE erased.uid = ANY(ARRAY[published.uid, published.target_uid])
       )
"""


@dataclass(frozen=True, slots=True)
class Backlog:
    """The number of events that wait, and since when the oldest waits."""

    events: int
    oldest: datetime | None


class Outbox:
    """The outbox of one schema; a service whose events carry secrets gives it a key ring."""

    def __init__(self, ring: KeyRing | None = None) -> None:
        self._ring = ring

    async def add(self, connection: Connection, *events: Event) -> None:
        """Writes events, and wakes the relay if the transaction commits.

        It notes what they make outdated at gateways, for the answer of the call. If the
        transaction fails, gateways drop it needlessly.
        """
        for event in events:
            note(changes_of(event))
        traceparent = headers().get(TRACEPARENT)
        await connection.executemany(
            """
            INSERT INTO outbox (event_id, name, record, changes, snapshot, sealed, traceparent)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            """,
            [
                (
                    event.id,
                    event.name,
                    event.record,
                    event.changes,
                    event.snapshot,
                    self._seal(event),
                    traceparent,
                )
                for event in events
            ],
        )
        await connection.execute("SELECT pg_notify('outbox_' || current_schema(), '')")

    async def add_quietly(self, connection: Connection, event: Event, *, decoy: bool) -> None:
        """Writes an event that the relay finds by polling, or a decoy, which it never publishes.

        Both cost the same, and neither wakes the relay, so that the time of a call does not reveal
        which it was. A decoy is empty, and pruned like other events.
        """
        await connection.execute(
            """
            INSERT INTO outbox (event_id, name, record, published_at, traceparent)
            VALUES ($1, $2, $3, CASE WHEN $4 THEN now() END, $5)
            """,
            event.id,
            event.name,
            {} if decoy else event.record,
            decoy,
            headers().get(TRACEPARENT),
        )

    async def unpublished(
        self, connection: Any, limit: int, size: int, under_way: Sequence[int] = ()
    ) -> list[tuple[int, Event]]:
        """The oldest events that are not marked as published, with their positions.

        At least one, if there is any that is not `under_way`, and more only while those before it
        have fewer than `size` bytes.
        """
        rows = await connection.fetch(
            """
            SELECT id, event_id, name, record, changes, snapshot, sealed, traceparent
            FROM (
                SELECT *, sum(size) OVER (ORDER BY id) - size AS before
                FROM (
                    SELECT *, octet_length(concat(record, changes, snapshot)) AS size
                    FROM outbox
                    WHERE published_at IS NULL AND id <> ALL($3)
                    ORDER BY id
                    LIMIT $1
                ) AS oldest
            ) AS measured
            WHERE before < $2
            ORDER BY id
            """,
            limit,
            size,
            under_way,
        )
        return [(row["id"], self._event(row)) for row in rows]

    async def mark_published(self, connection: Any, positions: Sequence[int]) -> None:
        """Moves events that the broker has confirmed into the archive, without their secrets.

        Events about erased users are not archived. It makes the partition of this month where
        there is none.
        """
        try:
            with missing_partitions():
                await connection.execute(_ARCHIVE, positions, USER_ERASED.name)
        except NoPartition:
            async with connection.transaction():
                await make_partition(connection, ARCHIVE, Month.of(datetime.now(UTC)))
            await connection.execute(_ARCHIVE, positions, USER_ERASED.name)

    async def backlog(self, connection: Any) -> Backlog:
        """The events that wait to be published."""
        row = await connection.fetchrow(
            """
            SELECT count(*) AS events, min(created_at) AS oldest
            FROM outbox
            WHERE published_at IS NULL
            """
        )
        return Backlog(row["events"], row["oldest"])

    async def prune(self, connection: Any) -> None:
        """Deletes decoys of more than a day ago, and what an earlier release published."""
        await connection.execute(
            """
            DELETE FROM outbox
            WHERE published_at < now() - interval '1 day'
            """
        )

    async def forget(self, connection: Connection, uid: str) -> None:
        """Deletes published events about a user for good, in a transaction.

        Events that wait are published, and not archived then. It stays in the archive that the
        user was erased. A repetition changes nothing.
        """
        # Returns when no relay is archiving; relays that come later see the mark.
        await connection.execute("LOCK TABLE ONLY events IN SHARE ROW EXCLUSIVE MODE")
        await connection.execute(
            """
            INSERT INTO events_erased_users (uid)
            VALUES ($1)
            ON CONFLICT (uid) DO NOTHING
            """,
            uid,
        )
        await connection.execute(
            "DELETE FROM events WHERE uid = $1 AND name <> $2", uid, USER_ERASED.name
        )
        await connection.execute("DELETE FROM events WHERE target_uid = $1", uid)
        await connection.execute(
            """
            DELETE FROM outbox
            WHERE published_at IS NOT NULL
              AND (
                  coalesce(record -> 'user' ->> 'uid', record ->> 'uid') = $1
                  OR record ->> 'target_uid' = $1
              )
            """,
            uid,
        )

    def _seal(self, event: Event) -> bytes | None:
        if not event.secrets:
            return None
        if self._ring is None:
            raise ValueError(f"{event.name} has secrets, and this outbox has no keys")
        return self._ring.encrypt(json.dumps(dict(event.secrets)).encode(), _context(event.id))

    def _event(self, row: Any) -> Event:
        secrets: dict[str, str] = {}
        if row["sealed"] is not None and self._ring is not None:
            secrets = json.loads(self._ring.decrypt(row["sealed"], _context(row["event_id"])))
        return Event(
            id=row["event_id"],
            name=row["name"],
            record=row["record"],
            changes=row["changes"],
            snapshot=row["snapshot"],
            secrets=secrets,
            traceparent=row["traceparent"],
        )


def _context(event_id: uuid.UUID) -> str:
    return f"outbox:{event_id}"


SEALED = SealedColumn("outbox", "event_id", "sealed", _context)
"""Secrets of events that wait."""
