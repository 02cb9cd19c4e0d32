"""The restrictions table."""

from typing import Any

import asyncpg

from admin_svc.restrictions.record import RestrictionRecord
from admin_svc.restrictions.rules import Terms, ValueTaken
from shared.contracts.policy import Restriction
from shared.database.pool import Connection
from shared.web.client_address import Address

_VALUE_KEY = "restrictions_value_key"


async def select_page(
    connection: Connection, scope: str | None, category: str | None, limit: int, offset: int
) -> list[RestrictionRecord]:
    """Restrictions in the order in which they were made; None lets every one pass."""
    rows = await connection.fetch(
        """
        SELECT *
        FROM restrictions
        WHERE ($1::text IS NULL OR scope = $1)
            AND ($2::text IS NULL OR category = $2)
        ORDER BY id
        LIMIT $3
        OFFSET $4
        """,
        scope,
        category,
        limit,
        offset,
    )
    return [_record(row) for row in rows]


async def count_restrictions(
    connection: Connection, scope: str | None, category: str | None
) -> int:
    """How many restrictions pass."""
    total: int = await connection.fetchval(
        """
        SELECT count(*)
        FROM restrictions
        WHERE ($1::text IS NULL OR scope = $1)
            AND ($2::text IS NULL OR category = $2)
        """,
        scope,
        category,
    )
    return total


async def select_restriction(
    connection: Connection, restriction_id: int
) -> RestrictionRecord | None:
    """One restriction."""
    row = await connection.fetchrow(
        """
        SELECT *
        FROM restrictions
        WHERE id = $1
        """,
        restriction_id,
    )
    return _record(row) if row else None


async def insert_restriction(connection: Connection, terms: Terms) -> RestrictionRecord:
    """Adds a restriction; raises `ValueTaken`, with which the transaction is over."""
    try:
        row = await connection.fetchrow(
            """
            INSERT INTO restrictions (category, scope, value, state, code)
            VALUES ($1, $2, $3, $4, $5)
            RETURNING *
            """,
            terms.category,
            terms.scope,
            terms.value,
            terms.state,
            terms.code,
        )
    except asyncpg.UniqueViolationError as error:
        raise _refusal(error) from None
    return _record(row)


async def update_restriction(
    connection: Connection, restriction_id: int, terms: Terms
) -> RestrictionRecord:
    """Changes a restriction that exists; raises as `insert_restriction` does."""
    try:
        row = await connection.fetchrow(
            """
            UPDATE restrictions
            SET category = $2, scope = $3, value = $4, state = $5, code = $6, updated_at = now()
            WHERE id = $1
            RETURNING *
            """,
            restriction_id,
            terms.category,
            terms.scope,
            terms.value,
            terms.state,
            terms.code,
        )
    except asyncpg.UniqueViolationError as error:
        raise _refusal(error) from None
    return _record(row)


async def delete_restriction(
    connection: Connection, restriction_id: int
) -> RestrictionRecord | None:
    """Removes a restriction; what it was, None where there was none."""
    row = await connection.fetchrow(
        """
        DELETE FROM restrictions
        WHERE id = $1
        RETURNING *
        """,
        restriction_id,
    )
    return _record(row) if row else None


async def select_near(connection: Connection, address: Address) -> list[Restriction]:
    """All rules in force that may be about an address; of places all, for they are few."""
    rows = await connection.fetch(
        """
        SELECT category, scope, value, code
        FROM restrictions
        WHERE state = 'enabled'
          AND CASE scope
              WHEN 'ip' THEN value = $1
              WHEN 'ip_subnet' THEN value::cidr >>= $1::text::inet
              ELSE true
          END
        ORDER BY id
        """,
        str(address),
    )
    return [Restriction(**row) for row in rows]


async def disable(connection: Connection, rule: Restriction) -> RestrictionRecord:
    """The restriction that says so, now out of force."""
    row = await connection.fetchrow(
        """
        UPDATE restrictions
        SET state = 'disabled', updated_at = now()
        WHERE category = $1
          AND scope = $2
          AND value = $3
        RETURNING *
        """,
        rule.category,
        rule.scope,
        rule.value,
    )
    return _record(row)


async def disable_all(connection: Connection) -> list[RestrictionRecord]:
    """All restrictions that were in force and keep anybody out, now out of force."""
    rows = await connection.fetch(
        """
        UPDATE restrictions
        SET state = 'disabled', updated_at = now()
        WHERE state = 'enabled'
          AND category <> 'whitelist'
        RETURNING *
        """
    )
    return [_record(row) for row in rows]


def _refusal(error: asyncpg.UniqueViolationError) -> Exception:
    return ValueTaken() if error.constraint_name == _VALUE_KEY else error


def _record(row: Any) -> RestrictionRecord:
    terms = Terms(
        category=row["category"],
        scope=row["scope"],
        value=row["value"],
        state=row["state"],
        code=row["code"],
    )
    return RestrictionRecord(row["id"], terms, row["created_at"], row["updated_at"])
