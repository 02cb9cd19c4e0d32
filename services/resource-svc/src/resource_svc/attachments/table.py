"""A table of attachments of one kind, whose rows have one version per user.

Each feature that keeps attachments has one of these in its store.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Generic, TypeVar

from shared.contracts.attachments import AttachmentSnapshot
from shared.database.pool import Connection

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


@dataclass(frozen=True, slots=True)
class AttachmentTable(Generic[T]):
    """The table `name`, whose columns are the fields of `record`.

    The table `versions` has the version of all rows of a user. It grows with each change of them.
    """

    kind: str
    """One of `shared.contracts.attachments.KINDS`."""
    record: type[T]
    name: str
    versions: str

    @property
    def columns(self) -> str:
        """The columns as a SELECT list."""
        return ", ".join(field.name for field in fields(self.record))

    async def next_version(self, connection: Connection, uid: str) -> int:
        """The version of a change that follows in this transaction.

        Other changes for this user wait until the transaction ends. Call it before the change:
        locks that are taken in one order cannot deadlock.
        """
        return int(
            await connection.fetchval(
                f"""
                INSERT INTO {self.versions} (uid, version)
                VALUES ($1, 1)
                ON CONFLICT (uid) DO UPDATE
                SET version = {self.versions}.version + 1
                RETURNING version
                """,
                uid,
            )
        )

    async def list(self, connection: Connection, uid: str) -> Sequence[T]:
        """All records of a user, the oldest first."""
        rows = await connection.fetch(
            f"""
            SELECT {self.columns}
            FROM {self.name}
            WHERE uid = $1
            ORDER BY id
            """,
            uid,
        )
        return [self.record(**row) for row in rows]

    async def snapshots(
        self, connection: Connection, uids: Sequence[str]
    ) -> Sequence[AttachmentSnapshot]:
        """The snapshots of these users, also of those who have no records any more.

        One statement reads records and versions, so that they belong together.
        """
        rows = await connection.fetch(
            f"""
            SELECT
                {self.versions}.uid,
                {self.versions}.version,
                coalesce(
                    jsonb_agg(to_jsonb(record) ORDER BY record.id)
                        FILTER (WHERE record.id IS NOT NULL),
                    '[]'
                ) AS records
            FROM {self.versions}
            LEFT JOIN (
                SELECT {self.columns}
                FROM {self.name}
                WHERE uid = ANY($1)
            ) AS record USING (uid)
            WHERE {self.versions}.uid = ANY($1)
            GROUP BY {self.versions}.uid
            """,
            uids,
        )
        return [AttachmentSnapshot(kind=self.kind, **row) for row in rows]

    async def snapshot(self, connection: Connection, uid: str) -> AttachmentSnapshot:
        """The snapshot of one user, who has a version already."""
        (snapshot,) = await self.snapshots(connection, [uid])
        return snapshot

    async def erase(self, connection: Connection, uid: str) -> None:
        """Deletes the records of a user, and their version."""
        for table in (self.name, self.versions):
            await connection.execute(
                f"""
                DELETE FROM {table}
                WHERE uid = $1
                """,
                uid,
            )
