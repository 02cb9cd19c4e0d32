"""The permissions table."""

from typing import Any

import asyncpg

from admin_svc.permissions.record import PermissionRecord
from admin_svc.permissions.rules import PermissionTaken
from shared.contracts.policy import Permission
from shared.database.pool import Connection

_RULE_KEY = "permissions_rule_key"


async def select_rules(connection: Connection) -> list[Permission]:
    """Every rule there is."""
    rows = await connection.fetch(
        """
        SELECT role, verb, path, action, topic
        FROM permissions
        """
    )
    return [_rule(row) for row in rows]


async def select_of_role(connection: Connection, role: str) -> list[PermissionRecord]:
    """Every permission of a role, in the order in which they were made."""
    rows = await connection.fetch(
        """
        SELECT *
        FROM permissions
        WHERE role = $1
        ORDER BY id
        """,
        role,
    )
    return [_record(row) for row in rows]


async def select_page(connection: Connection, limit: int, offset: int) -> list[PermissionRecord]:
    """Permissions in the order in which they were made."""
    rows = await connection.fetch(
        """
        SELECT *
        FROM permissions
        ORDER BY id
        LIMIT $1
        OFFSET $2
        """,
        limit,
        offset,
    )
    return [_record(row) for row in rows]


async def count_permissions(connection: Connection) -> int:
    """How many permissions there are."""
    total: int = await connection.fetchval("SELECT count(*) FROM permissions")
    return total


async def role_exists(connection: Connection, role: str) -> bool:
    """Whether a permission names the role."""
    exists: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM permissions WHERE role = $1)", role
    )
    return exists


async def select_permission(connection: Connection, permission_id: int) -> PermissionRecord | None:
    """One permission."""
    row = await connection.fetchrow(
        """
        SELECT *
        FROM permissions
        WHERE id = $1
        """,
        permission_id,
    )
    return _record(row) if row else None


async def insert_permission(connection: Connection, rule: Permission) -> PermissionRecord:
    """Adds a permission; raises `PermissionTaken`, with which the transaction is over."""
    try:
        row = await connection.fetchrow(
            """
            INSERT INTO permissions (role, verb, path, action, topic)
            VALUES ($1, $2, $3, $4, $5)
            RETURNING *
            """,
            rule.role,
            rule.verb,
            rule.path,
            rule.action,
            rule.topic,
        )
    except asyncpg.UniqueViolationError as error:
        raise _refusal(error) from None
    return _record(row)


async def update_permission(
    connection: Connection, permission_id: int, rule: Permission
) -> PermissionRecord:
    """Changes a permission that exists; raises as `insert_permission` does."""
    try:
        row = await connection.fetchrow(
            """
            UPDATE permissions
            SET role = $2, verb = $3, path = $4, action = $5, topic = $6, updated_at = now()
            WHERE id = $1
            RETURNING *
            """,
            permission_id,
            rule.role,
            rule.verb,
            rule.path,
            rule.action,
            rule.topic,
        )
    except asyncpg.UniqueViolationError as error:
        raise _refusal(error) from None
    return _record(row)


async def delete_permission(connection: Connection, permission_id: int) -> PermissionRecord | None:
    """Removes a permission; what it was, None where there was none."""
    row = await connection.fetchrow(
        """
        DELETE FROM permissions
        WHERE id = $1
        RETURNING *
        """,
        permission_id,
    )
    return _record(row) if row else None


def _refusal(error: asyncpg.UniqueViolationError) -> Exception:
    return PermissionTaken() if error.constraint_name == _RULE_KEY else error


def _rule(row: Any) -> Permission:
    return Permission(row["role"], row["verb"], row["path"], row["action"], row["topic"])


def _record(row: Any) -> PermissionRecord:
    return PermissionRecord(row["id"], _rule(row), row["created_at"], row["updated_at"])
