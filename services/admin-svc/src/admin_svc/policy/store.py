"""The version of the policy, and all rules in force.

The tables of rules have stores of their own. They are read here, too, in the one statement that
reads the version: rules and version have to be those of one moment.
"""

from shared.contracts.policy import Policy
from shared.database.pool import Connection


async def lock_policy(connection: Connection) -> None:
    """Waits for other changes under way, and makes later ones wait for this one."""
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
    """The present version of the policy."""
    version: int = await connection.fetchval(
        """
        SELECT version
        FROM policy_version
        """
    )
    return version


async def select_policy(connection: Connection) -> Policy:
    """Rules and version of one moment: one statement sees one snapshot."""
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
