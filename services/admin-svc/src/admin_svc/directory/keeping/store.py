"""SQL of what the directory keeps; every statement bears being repeated, in any order."""

from collections.abc import Sequence

from admin_svc.directory.keeping.facets import traits
from shared.contracts.attachments import AttachmentSet
from shared.contracts.users import User
from shared.database.pool import Connection

_COLUMNS = (
    "uid, version, email, role, level, otp, state, referral_uid, data, created_at, updated_at"
)


async def lock(connection: Connection, uids: Sequence[str]) -> None:
    """Lets nobody else change what is kept of these users until the transaction ends.

    A row would not do: of a user there may be none, or several. Always in the same order.
    """
    await connection.execute(
        """
        SELECT pg_advisory_xact_lock(key)
        FROM (
            SELECT DISTINCT hashtextextended('directory ' || uid, 0) AS key
            FROM unnest($1::text[]) AS uid
            ORDER BY key
        ) AS keys
        """,
        uids,
    )


async def put_users(connection: Connection, users: Sequence[User]) -> list[str]:
    """Keeps locked users, each unless as new a one is kept or he was erased; who came new."""
    rows = await connection.fetch(
        f"""
        INSERT INTO users ({_COLUMNS})
        SELECT {_COLUMNS}
        FROM jsonb_populate_recordset(NULL::users, $1) AS told
        WHERE NOT EXISTS (SELECT FROM erased_users WHERE erased_users.uid = told.uid)
        ON CONFLICT (uid) DO UPDATE
        SET version = excluded.version,
            email = excluded.email,
            role = excluded.role,
            level = excluded.level,
            otp = excluded.otp,
            state = excluded.state,
            referral_uid = excluded.referral_uid,
            data = excluded.data,
            created_at = excluded.created_at,
            updated_at = excluded.updated_at
        WHERE users.version < excluded.version
        RETURNING uid, xmax = 0 AS is_new
        """,
        [user.snapshot() for user in users],
    )
    return [row["uid"] for row in rows if row["is_new"]]


async def put_sets(
    connection: Connection, sets: Sequence[AttachmentSet], *, again: bool = False
) -> list[AttachmentSet]:
    """Keeps sets of locked users under the same conditions, or `again`; those that are kept now."""
    rows = await connection.fetch(
        """
        INSERT INTO attachments (uid, kind, version, records, facets, names, waiting_since)
        SELECT uid, kind, version, records, facets, names, waiting_since
        FROM jsonb_populate_recordset(NULL::attachments, $1) AS told
        WHERE NOT EXISTS (SELECT FROM erased_users WHERE erased_users.uid = told.uid)
        ON CONFLICT (uid, kind) DO UPDATE
        SET version = excluded.version,
            records = excluded.records,
            facets = excluded.facets,
            names = excluded.names,
            waiting_since = excluded.waiting_since
        WHERE attachments.version < excluded.version
           OR ($2 AND attachments.version = excluded.version)
        RETURNING uid, kind
        """,
        [_row(attachments) for attachments in sets],
        again,
    )
    kept = {(row["uid"], row["kind"]) for row in rows}
    return [each for each in sets if (each.uid, each.kind) in kept]


async def describe(connection: Connection, uids: Sequence[str]) -> None:
    """Gives locked users what they are found by because of their attachments."""
    await connection.execute(
        """
        WITH told AS (
            SELECT
                uid,
                ARRAY(
                    SELECT DISTINCT facet
                    FROM attachments, unnest(facets) AS facet
                    WHERE attachments.uid = asked.uid
                    ORDER BY facet
                ) AS facets,
                (SELECT max(names) FROM attachments WHERE attachments.uid = asked.uid) AS names,
                (
                    SELECT max(waiting_since) FROM attachments WHERE attachments.uid = asked.uid
                ) AS waiting_since
            FROM unnest($1::text[]) AS asked (uid)
        )
        UPDATE users
        SET facets = told.facets, names = coalesce(told.names, ''),
            waiting_since = told.waiting_since
        FROM told
        WHERE users.uid = told.uid
          AND (users.facets, users.names, users.waiting_since)
              IS DISTINCT FROM (told.facets, coalesce(told.names, ''), told.waiting_since)
        """,
        uids,
    )


async def put_positions(connection: Connection, profiles: Sequence[AttachmentSet]) -> None:
    """Puts the profiles of these sets into the list of all profiles, and nothing else of theirs."""
    ids = [record["id"] for each in profiles for record in each.records]
    owners = [each.uid for each in profiles for _ in each.records]
    await connection.execute(
        """
        DELETE FROM profile_positions
        WHERE uid = ANY($1) AND id <> ALL($2)
        """,
        [each.uid for each in profiles],
        ids,
    )
    await connection.execute(
        """
        INSERT INTO profile_positions (id, uid)
        SELECT id, uid
        FROM unnest($1::bigint[], $2::text[]) AS profiles (id, uid)
        ON CONFLICT (id) DO NOTHING
        """,
        ids,
        owners,
    )


async def mark_erased(connection: Connection, uid: str) -> None:
    """Keeps a locked user from ever being put again."""
    await connection.execute(
        """
        INSERT INTO erased_users (uid)
        VALUES ($1)
        ON CONFLICT (uid) DO NOTHING
        """,
        uid,
    )


async def remove(connection: Connection, uids: Sequence[str]) -> None:
    """Deletes all that is kept of locked users."""
    for table in ("users", "attachments", "profile_positions"):
        await connection.execute(
            f"""
            DELETE FROM {table}
            WHERE uid = ANY($1)
            """,
            uids,
        )


def _row(attachments: AttachmentSet) -> dict[str, object]:
    found_by = traits(attachments)
    since = found_by.waiting_since
    return {
        **attachments.snapshot(),
        "facets": sorted(found_by.facets),
        "names": "\n".join(found_by.names),
        "waiting_since": since.isoformat() if since else None,
    }
