"""Lists snapshots of attachments."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from resource_svc.core import Core
from shared.contracts.attachments import AttachmentSnapshot
from shared.database.pool import Connection, Database


class SnapshotSource(Protocol):
    """A feature that keeps attachments of one kind."""

    async def snapshots(
        self, connection: Connection, uids: Sequence[str]
    ) -> Sequence[AttachmentSnapshot]:
        """A snapshot for each of these users who has, or once had, attachments of this kind."""
        ...


@dataclass(frozen=True, slots=True)
class Attachments:
    """The attachments of all kinds, for services that keep a copy of them."""

    database: Database
    sources: Sequence[SnapshotSource]

    async def list_snapshots(self, uids: Sequence[str]) -> Sequence[AttachmentSnapshot]:
        """The snapshots of these users. Each is as new as its latest event, or newer."""
        async with self.database.connection() as connection:
            return [
                snapshot
                for source in self.sources
                for snapshot in await source.snapshots(connection, uids)
            ]


def build(core: Core, *sources: SnapshotSource) -> Attachments:
    """The use cases of attachments."""
    return Attachments(core.database, sources)
