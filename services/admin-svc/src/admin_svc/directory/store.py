"""The tables of the directory; every statement may be repeated, in any order."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import asyncpg

from admin_svc.directory.facets import traits
from admin_svc.directory.models import (
    CREATED_AT,
    EMAIL,
    UPDATED_AT,
    WAITING_SINCE,
    Listed,
    Order,
    Page,
    Progress,
    UserFilter,
)
from shared.contracts.attachments import AttachmentSnapshot
from shared.contracts.users import User
from shared.database.pool import Connection

_COLUMNS = (
    "uid, version, email, role, level, otp, state, referral_uid, data, created_at, updated_at"
)

_CONDITIONS = {
    "uid": "uid = ${}",
    "email": "lower(email) = lower(${})",
    "role": "role = ${}",
    "level": "level = ${}",
    "state": "state = ${}",
    "facets": "facets @> ${}::text[]",
    "created_from": "created_at >= ${}",
    "created_to": "created_at < ${}",
    "updated_from": "updated_at >= ${}",
    "updated_to": "updated_at < ${}",
    "waiting": "${}::boolean AND waiting_since IS NOT NULL",
    "pattern": r"E'\n' || lower(email) || E'\n' || names LIKE ${}",
}
"""The condition of each field of a filter; a statement has those of the fields that are set."""

_SPANS = ("created_from", "created_to", "updated_from", "updated_to")

_POSITIONS = {
    CREATED_AT: "created_at",
    UPDATED_AT: "updated_at",
    EMAIL: "lower(email)",
    WAITING_SINCE: "waiting_since",
}


_LONGEST_WALK_MS = 100
_USERS_PASSED_IN_A_MS = 100  # at the very least


async def select_sorted(
    connection: Connection, wanted: UserFilter, page: Page, most: int | None = None
) -> tuple[list[Listed], int]:
    """One page of the users that meet the filter, and their number, but no more than `most`.

    All are found, by the best index, and then sorted: this is the way where they are few.
    """
    where, values = _where(wanted)
    place, values = _place(page, values)
    rows = await connection.fetch(
        f"""
        WITH found AS MATERIALIZED (
            SELECT {_COLUMNS}, {_POSITIONS[page.order.by]} AS position
            FROM users
            WHERE {where}
            LIMIT ${len(values) + 1}
        )
        SELECT (SELECT count(*) FROM found) AS number, shown.*
        FROM (VALUES (1)) AS always
        LEFT JOIN (
            SELECT *
            FROM found
            {place.format(len(values) + 2, len(values) + 3)}
        ) AS shown ON true
        ORDER BY {_direction(page.order)}
        """,
        *values,
        most,
        page.limit,
        page.offset,
    )
    return [_listed(row) for row in rows if row["uid"]], rows[0]["number"]


async def select_walking(
    connection: Connection, wanted: UserFilter, page: Page
) -> list[Listed] | None:
    """One page of the users that meet the filter, found by walking the list in its order.

    This is the way where they are many. Users before the page are read from the index alone, if it
    has what they are filtered by. None if it took too long: where the wanted ones are side by side
    in the list, the walk to them may be long.
    """
    where, values = _where(wanted)
    place, values = _place(page, values)
    try:
        async with connection.transaction():
            patience = _LONGEST_WALK_MS + page.offset // _USERS_PASSED_IN_A_MS
            await connection.execute(f"SET LOCAL statement_timeout = {patience}")
            rows = await connection.fetch(
                f"""
                WITH shown AS MATERIALIZED (
                    SELECT *
                    FROM (
                        SELECT uid, {_POSITIONS[page.order.by]} AS position
                        FROM users
                        WHERE {where}
                    ) AS found
                    {place.format(len(values) + 1, len(values) + 2)}
                )
                SELECT {_COLUMNS}, position
                FROM shown
                JOIN users USING (uid)
                ORDER BY {_direction(page.order)}
                """,
                *values,
                page.limit,
                page.offset,
            )
    except asyncpg.QueryCanceledError:
        return None
    return [_listed(row) for row in rows]


async def count_in_span(connection: Connection, wanted: UserFilter) -> int:
    """The number of users that meet the filter, found by its span alone, which is a short one.

    The span's index has role, state and level as well, so that users are seldom read.
    """
    where, values = _where(wanted, by_span=True)
    number: int = await connection.fetchval(
        f"""
        SELECT count(*)
        FROM users
        WHERE {where}
        """,
        *values,
    )
    return number


async def users_by_uid(connection: Connection, uids: Collection[str]) -> list[User]:
    """Those of these users that the directory has."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS}
        FROM users
        WHERE uid = ANY($1)
        """,
        list(uids),
    )
    return [User(**row) for row in rows]


async def uids_by_email(connection: Connection, email: str) -> list[str]:
    """The users with this e-mail, in any case."""
    rows = await connection.fetch(
        """
        SELECT uid
        FROM users
        WHERE lower(email) = lower($1)
        """,
        email,
    )
    return [row["uid"] for row in rows]


async def select_attachments(
    connection: Connection, uids: Sequence[str], kinds: Sequence[str]
) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """The records of these users and kinds, by uid and kind."""
    rows = await connection.fetch(
        """
        SELECT uid, kind, records
        FROM attachments
        WHERE uid = ANY($1) AND kind = ANY($2)
        """,
        uids,
        kinds,
    )
    return {(row["uid"], row["kind"]): row["records"] for row in rows}


async def select_profiles(
    connection: Connection, limit: int, offset: int
) -> list[Mapping[str, Any]]:
    """One page of the records of all profiles, the oldest first."""
    rows = await connection.fetch(
        """
        SELECT record
        FROM (
            SELECT id, uid
            FROM profile_positions
            ORDER BY id
            LIMIT $1
            OFFSET $2
        ) AS page
        JOIN attachments ON attachments.uid = page.uid AND attachments.kind = 'profiles'
        CROSS JOIN jsonb_array_elements(records) AS record
        WHERE record -> 'id' = to_jsonb(id)
        ORDER BY id
        """,
        limit,
        offset,
    )
    return [row["record"] for row in rows]


async def lock(connection: Connection, uids: Sequence[str]) -> None:
    """Locks these users until the transaction ends.

    These are advisory locks, since a user may have no row, or several; they are always taken in the
    same order.
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


async def upsert_users(connection: Connection, users: Sequence[User]) -> list[str]:
    """Stores locked users, each unless the stored version is as new or the user was erased.

    Returns the uids of users that were not stored before.
    """
    rows = await connection.fetch(
        f"""
        INSERT INTO users ({_COLUMNS})
        SELECT {_COLUMNS}
        FROM jsonb_populate_recordset(NULL::users, $1) AS received
        WHERE NOT EXISTS (SELECT FROM erased_users WHERE erased_users.uid = received.uid)
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
        [user.to_internal() for user in users],
    )
    return [row["uid"] for row in rows if row["is_new"]]


async def upsert_attachments(
    connection: Connection, snapshots: Sequence[AttachmentSnapshot], *, equal_versions: bool = False
) -> list[AttachmentSnapshot]:
    """Stores snapshots of locked users under the same conditions; returns those that it stored.

    With `equal_versions`, snapshots of the stored version are stored, too.
    """
    rows = await connection.fetch(
        """
        INSERT INTO attachments (uid, kind, version, records, facets, names, waiting_since)
        SELECT uid, kind, version, records, facets, names, waiting_since
        FROM jsonb_populate_recordset(NULL::attachments, $1) AS received
        WHERE NOT EXISTS (SELECT FROM erased_users WHERE erased_users.uid = received.uid)
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
        [_row(each) for each in snapshots],
        equal_versions,
    )
    stored = {(row["uid"], row["kind"]) for row in rows}
    return [each for each in snapshots if (each.uid, each.kind) in stored]


async def copy_facets(connection: Connection, uids: Sequence[str]) -> None:
    """Copies to locked users what they are found by because of their attachments."""
    await connection.execute(
        """
        WITH found AS (
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
        SET facets = found.facets, names = coalesce(found.names, ''),
            waiting_since = found.waiting_since
        FROM found
        WHERE users.uid = found.uid
          AND (users.facets, users.names, users.waiting_since)
              IS DISTINCT FROM (found.facets, coalesce(found.names, ''), found.waiting_since)
        """,
        uids,
    )


async def upsert_positions(connection: Connection, profiles: Sequence[AttachmentSnapshot]) -> None:
    """Makes the list of all profiles hold exactly the profiles of these users."""
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
    """Marks a locked user as erased: nothing about them is stored again."""
    await connection.execute(
        """
        INSERT INTO erased_users (uid)
        VALUES ($1)
        ON CONFLICT (uid) DO NOTHING
        """,
        uid,
    )


async def is_erased(connection: Connection, uid: str) -> bool:
    """Whether the user was erased."""
    erased: bool = await connection.fetchval(
        """
        SELECT EXISTS (SELECT FROM erased_users WHERE uid = $1)
        """,
        uid,
    )
    return erased


async def delete(connection: Connection, uids: Sequence[str]) -> None:
    """Deletes all that is stored of locked users."""
    for table in ("users", "attachments", "profile_positions"):
        await connection.execute(
            f"""
            DELETE FROM {table}
            WHERE uid = ANY($1)
            """,
            uids,
        )


async def begin_rebuild(connection: Connection, *, anew: bool) -> Progress | None:
    """The progress of a rebuild that was interrupted, or of a new one; None while another runs.

    The connection is a dedicated one: PostgreSQL releases the lock when it ends.
    """
    if not await connection.fetchval(
        "SELECT pg_try_advisory_lock(hashtextextended('rebuild directory', 0))"
    ):
        return None
    if anew:
        await end_rebuild(connection)
    row = await connection.fetchrow("SELECT last_uid, users, removed FROM directory_rebuild")
    if row:
        return Progress(**row)
    await connection.execute(
        """
        INSERT INTO directory_rebuild (last_uid, users, removed)
        VALUES ('', 0, 0)
        """
    )
    return Progress("", 0, 0)


async def update_rebuild(connection: Connection, progress: Progress) -> None:
    """Stores the progress."""
    await connection.execute(
        """
        UPDATE directory_rebuild
        SET last_uid = $1, users = $2, removed = $3
        """,
        progress.last_uid,
        progress.users,
        progress.removed,
    )


async def end_rebuild(connection: Connection) -> None:
    """Deletes the progress: the next rebuild starts from the first user."""
    await connection.execute("DELETE FROM directory_rebuild")


async def uids_between(connection: Connection, after: str, until: str | None) -> list[str]:
    """The users of whom anything is stored, after one uid and up to another, or to the end."""
    rows = await connection.fetch(
        """
        SELECT uid
        FROM users
        WHERE uid > $1 AND ($2::text IS NULL OR uid <= $2)
        UNION
        SELECT uid
        FROM attachments
        WHERE uid > $1 AND ($2::text IS NULL OR uid <= $2)
        """,
        after,
        until,
    )
    return [row["uid"] for row in rows]


def _where(wanted: UserFilter, *, by_span: bool = False) -> tuple[str, list[Any]]:
    """The condition, in fixed words and numbered arguments, and these arguments.

    With `by_span`, PostgreSQL can use only the indexes of spans.
    """
    asked = {name: getattr(wanted, name) for name in _CONDITIONS}
    given = {name: value for name, value in asked.items() if _is_asked(value)}
    conditions = [
        f"({_CONDITIONS[name].format(number)})"
        + (" IS TRUE" if by_span and name not in _SPANS else "")
        for number, name in enumerate(given, 1)
    ]
    return " AND ".join(conditions) or "true", list(given.values())


def _place(page: Page, values: list[Any]) -> tuple[str, list[Any]]:
    """The clauses that choose a page, and the arguments; limit and offset are to be added."""
    where = "true"
    if page.after is not None:
        beyond = "<" if page.order.descending else ">"
        where = f"(position, uid) {beyond} (${len(values) + 1}, ${len(values) + 2})"
        values = [*values, page.after.position, page.after.uid]
    order = _direction(page.order)
    return f"WHERE {where} ORDER BY {order} LIMIT ${{}} OFFSET ${{}}", values


def _direction(order: Order) -> str:
    direction = "DESC" if order.descending else "ASC"
    return f"position {direction}, uid {direction}"


def _is_asked(value: Any) -> bool:
    return value is not None and value is not False and value != []


def _listed(row: Any) -> Listed:
    return Listed(User(**{name: row[name] for name in User.__slots__}), row["position"])


def _row(attachments: AttachmentSnapshot) -> dict[str, object]:
    found_by = traits(attachments)
    since = found_by.waiting_since
    return {
        **attachments.to_internal(),
        "facets": sorted(found_by.facets),
        "names": "\n".join(found_by.names),
        "waiting_since": since.isoformat() if since else None,
    }
