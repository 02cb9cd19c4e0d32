"""SQL of labels."""

from collections.abc import Sequence
from typing import Any

from resource_svc.attachments.table import AttachmentTable
from resource_svc.labels.models import PRIVATE, PUBLIC, Label
from shared.contracts.attachments import LABELS
from shared.contracts.labels import ImportedLabel, PrivateLabels
from shared.contracts.refusals import LabelKeyTaken
from shared.database.pool import Connection, Record
from shared.errors import NotFound

LABEL_TABLE = AttachmentTable(LABELS, Label, "labels", "label_sets")

_COLUMNS = LABEL_TABLE.columns


async def lock_labels(connection: Connection, uid: str) -> None:
    """Locks the user's labels until the transaction ends."""
    await connection.execute(
        """
        INSERT INTO label_sets (uid, version)
        VALUES ($1, 0)
        ON CONFLICT (uid) DO UPDATE
        SET version = label_sets.version
        """,
        uid,
    )


async def count_change(connection: Connection, uid: str) -> None:
    """Increments the version of the user's labels."""
    await connection.execute(
        """
        UPDATE label_sets
        SET version = version + 1
        WHERE uid = $1
        """,
        uid,
    )


async def private_labels(connection: Connection, uid: str) -> PrivateLabels:
    """All private labels of a user whose labels are locked."""
    version = await connection.fetchval(
        """
        SELECT version
        FROM label_sets
        WHERE uid = $1
        """,
        uid,
    )
    rows = await connection.fetch(
        """
        SELECT key, value
        FROM labels
        WHERE uid = $1 AND scope = $2
        ORDER BY id
        """,
        uid,
        PRIVATE,
    )
    return PrivateLabels(uid, version, {row["key"]: row["value"] for row in rows})


async def get_by_key(connection: Connection, uid: str, key: str) -> Label:
    """The label with this key, the private one where there are two; raises `NotFound`."""
    row = await connection.fetchrow(
        f"""
        SELECT {_COLUMNS}
        FROM labels
        WHERE uid = $1 AND key = $2
        ORDER BY scope
        LIMIT 1
        """,
        uid,
        key,
    )
    if row is None:
        raise NotFound
    return _label(row)


async def find_in_scope(connection: Connection, uid: str, scope: str, key: str) -> Label | None:
    """The label with this key in this scope."""
    row = await connection.fetchrow(
        f"""
        SELECT {_COLUMNS}
        FROM labels
        WHERE uid = $1 AND scope = $2 AND key = $3
        """,
        uid,
        scope,
        key,
    )
    return _label(row) if row else None


async def count_public(connection: Connection, uid: str) -> int:
    """How many public labels the user has."""
    return int(
        await connection.fetchval(
            """
            SELECT count(*)
            FROM labels
            WHERE uid = $1 AND scope = $2
            """,
            uid,
            PUBLIC,
        )
    )


async def insert_label(
    connection: Connection,
    uid: str,
    scope: str,
    key: str,
    value: str,
    description: str | None = None,
) -> Label:
    """The new label; raises `LabelKeyTaken`, after which the transaction may go on."""
    row = await connection.fetchrow(
        f"""
        INSERT INTO labels (uid, scope, key, value, description)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT ON CONSTRAINT labels_uid_scope_key_key DO NOTHING
        RETURNING {_COLUMNS}
        """,
        uid,
        scope,
        key,
        value,
        description,
    )
    if row is None:
        raise LabelKeyTaken
    return _label(row)


async def insert_labels(
    connection: Connection, uid: str, labels: Sequence[ImportedLabel]
) -> list[Label]:
    """Inserts the labels whose keys the user does not have yet; the inserted ones."""
    rows = await connection.fetch(
        f"""
        INSERT INTO labels (uid, scope, key, value, description, created_at, updated_at)
        SELECT $1, *
        FROM unnest(
            $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[]
        )
        ON CONFLICT ON CONSTRAINT labels_uid_scope_key_key DO NOTHING
        RETURNING {_COLUMNS}
        """,
        uid,
        *([getattr(label, name) for label in labels] for name in ImportedLabel.__slots__),
    )
    return [_label(row) for row in rows]


async def set_value(connection: Connection, label: Label, value: str) -> Label:
    """A locked label with another value."""
    row = await connection.fetchrow(
        f"""
        UPDATE labels
        SET value = $2, updated_at = now()
        WHERE id = $1
        RETURNING {_COLUMNS}
        """,
        label.id,
        value,
    )
    return _label(row)


async def set_label(
    connection: Connection, label: Label, value: str, description: str | None
) -> Label:
    """A locked label with another value and description."""
    row = await connection.fetchrow(
        f"""
        UPDATE labels
        SET value = $2, description = $3, updated_at = now()
        WHERE id = $1
        RETURNING {_COLUMNS}
        """,
        label.id,
        value,
        description,
    )
    return _label(row)


async def delete_label(connection: Connection, label: Label) -> None:
    """Deletes a locked label."""
    await connection.execute(
        """
        DELETE FROM labels
        WHERE id = $1
        """,
        label.id,
    )


def _label(row: Record | Any) -> Label:
    return Label(**row)
