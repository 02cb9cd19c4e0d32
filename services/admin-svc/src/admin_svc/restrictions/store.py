"""The table of restrictions."""

from admin_svc.policy.rule_table import RuleTable
from admin_svc.restrictions.models import RestrictionNotFound, StoredRestriction, Terms
from shared.contracts.policy import Restriction
from shared.contracts.refusals import RestrictionValueTaken
from shared.database.pool import Connection
from shared.values.addresses import Address

TABLE = RuleTable(
    name="restrictions",
    columns=("category", "scope", "value", "state", "code"),
    make=Terms,
    unique="restrictions_value_key",
    taken=RestrictionValueTaken,
    not_found=RestrictionNotFound,
)

_WHERE = "($1::text IS NULL OR scope = $1) AND ($2::text IS NULL OR category = $2)"


async def select_page(
    connection: Connection, scope: str | None, category: str | None, limit: int, offset: int
) -> tuple[list[StoredRestriction], int]:
    """One page of restrictions, the oldest first, and the number of all.

    A condition that is None matches every restriction.
    """
    page = await TABLE.page(connection, limit, offset, _WHERE, scope, category)
    return page, await TABLE.count(connection, _WHERE, scope, category)


async def select_near(connection: Connection, address: Address) -> list[Restriction]:
    """All rules in force that may match an address, and all rules about places, which are few."""
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


async def disable(connection: Connection, rule: Restriction) -> StoredRestriction:
    """Disables the restriction of a rule."""
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
    return TABLE.stored(row)


async def disable_all(connection: Connection) -> list[StoredRestriction]:
    """Disables all restrictions in force that keep callers out."""
    rows = await connection.fetch(
        """
        UPDATE restrictions
        SET state = 'disabled', updated_at = now()
        WHERE state = 'enabled'
          AND category <> 'whitelist'
        RETURNING *
        """
    )
    return [TABLE.stored(row) for row in rows]
