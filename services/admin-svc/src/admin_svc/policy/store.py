"""The policy as a whole: its version, and the rules in force."""

from shared.contracts.policy import Policy
from shared.database.pool import Connection


async def lock_policy(connection: Connection) -> None:
    """Waits until no other change is under way, and keeps others waiting for this one."""
    await connection.execute(
        """
        SELECT version
        FROM policy_version
        FOR UPDATE
        """
    )


async def next_policy_version(connection: Connection) -> int:
    """The version of the policy with the changes of this transaction."""
    version: int = await connection.fetchval(
        """
        UPDATE policy_version
        SET version = version + 1
        RETURNING version
        """
    )
    return version


async def select_version(connection: Connection) -> int:
    """The version of the policy as it is now."""
    version: int = await connection.fetchval(
        """
        SELECT version
        FROM policy_version
        """
    )
    return version


async def select_policy(connection: Connection) -> Policy:
    """Rules and version as of one moment: one statement sees one snapshot."""
    [row] = await connection.fetch(
        """
        SELECT
            version,
            (
                SELECT coalesce(jsonb_agg(to_jsonb(rule)), '[]')
                FROM (
                    SELECT role, verb, path, action, topic
                    FROM permissions
                    ORDER BY id
                ) rule
            ) AS permissions,
            (
                SELECT coalesce(jsonb_agg(to_jsonb(rule)), '[]')
                FROM (
                    SELECT category, scope, value, code
                    FROM restrictions
                    WHERE state = 'enabled'
                    ORDER BY id
                ) rule
            ) AS restrictions
        FROM policy_version
        """
    )
    return Policy.of(dict(row))
