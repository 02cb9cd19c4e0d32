"""The table of permissions."""

from admin_svc.permissions.models import PermissionNotFound, PermissionTaken, StoredPermission
from admin_svc.policy.rule_table import RuleTable
from shared.contracts.policy import Permission
from shared.database.pool import Connection

TABLE = RuleTable(
    name="permissions",
    columns=("role", "verb", "path", "action", "topic"),
    make=Permission,
    unique="permissions_rule_key",
    taken=PermissionTaken,
    not_found=PermissionNotFound,
)


async def select_rules(connection: Connection) -> list[Permission]:
    """All rules."""
    rows = await connection.fetch(
        """
        SELECT role, verb, path, action, topic
        FROM permissions
        """
    )
    return [TABLE.rule(row) for row in rows]


async def select_of_role(connection: Connection, role: str) -> list[StoredPermission]:
    """All permissions of a role, the oldest first."""
    rows = await connection.fetch(
        """
        SELECT *
        FROM permissions
        WHERE role = $1
        ORDER BY id
        """,
        role,
    )
    return [TABLE.stored(row) for row in rows]


async def role_exists(connection: Connection, role: str) -> bool:
    """Whether a permission names the role."""
    exists: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM permissions WHERE role = $1)", role
    )
    return exists
