"""SQL with which the directory is read."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from admin_svc.directory.filter import UserFilter
from admin_svc.directory.order import CREATED_AT, EMAIL, UPDATED_AT, WAITING_SINCE, Order, Page
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
"""What a filter asks for; only what is set makes it into a statement."""

_SPANS = ("created_from", "created_to", "updated_from", "updated_to")

_POSITIONS = {
    CREATED_AT: "created_at",
    UPDATED_AT: "updated_at",
    EMAIL: "lower(email)",
    WAITING_SINCE: "waiting_since",
}


_LONGEST_WALK_MS = 100
_USERS_PASSED_IN_A_MS = 100  # at the very least


@dataclass(frozen=True, slots=True)
class Listed:
    """A user, and what he is in the order of the list."""

    user: User
    position: datetime | str


async def select_sorted(
    connection: Connection, wanted: UserFilter, page: Page, most: int | None = None
) -> tuple[list[Listed], int]:
    """One page of those wanted, and how many they are, but no more than `most`.

    All are found, by the best index, and then sorted: for when they are few.
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
    """One page of those wanted, found by walking the list in its order: for when they are many.

    None if that took too long: where those wanted are side by side, the way to them may be long.
    """
    where, values = _where(wanted)
    place, values = _place(page, values)
    try:
        async with connection.transaction():
            patience = _LONGEST_WALK_MS + page.offset // _USERS_PASSED_IN_A_MS
            await connection.execute(f"SET LOCAL statement_timeout = {patience}")
            rows = await connection.fetch(
                f"""
                SELECT *
                FROM (
                    SELECT {_COLUMNS}, {_POSITIONS[page.order.by]} AS position
                    FROM users
                    WHERE {where}
                ) AS found
                {place.format(len(values) + 1, len(values) + 2)}
                """,
                *values,
                page.limit,
                page.offset,
            )
    except asyncpg.QueryCanceledError:
        return None
    return [_listed(row) for row in rows]


async def count_in_span(connection: Connection, wanted: UserFilter) -> int:
    """How many users the filter lets pass, found by its span alone, which is a short one.

    The span's index tells role, state and level as well, so that users are seldom read.
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
    """Those of these users that are kept."""
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
    """Who has this e-mail, in whatever case."""
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


def _where(wanted: UserFilter, *, by_span: bool = False) -> tuple[str, list[Any]]:
    """The condition, in fixed words and numbered arguments, and these arguments.

    `by_span` keeps it from all indexes but those of spans.
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
    """Which part of what was found is shown, and the arguments, of which two are still missing."""
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
