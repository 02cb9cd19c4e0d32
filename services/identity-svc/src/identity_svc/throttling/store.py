"""SQL of throttling."""

import math

from identity_svc.throttling.models import PER_ACCOUNT, PER_NETWORK, Limit
from shared.database.pool import Connection


def _count(key: str, limit: Limit, condition: str) -> str:
    """SQL that counts an attempt unless it is blocked: a refused attempt prolongs no block.

    `now()` is when this attempt arrived; the row may hold one that arrived later.
    """
    return f"""
        INSERT INTO attempts AS kept (key, failures, counted_at, blocked_until)
        SELECT {key}::bytea, 1, now(), '-infinity'
        WHERE {condition}
        ON CONFLICT (key) DO UPDATE
        SET (failures, counted_at, blocked_until, refused) = (
            SELECT counted.failures, greatest(now(), kept.counted_at), CASE
                WHEN ceil(counted.failures) < {limit.free} THEN '-infinity'
                ELSE now() + interval '1 second'
                    * least({limit.longest}, 2 ^ least(ceil(counted.failures) - {limit.free}, 30))
            END, 0
            FROM (
                SELECT 1 + greatest(
                    kept.failures
                    - greatest(extract(epoch FROM now() - kept.counted_at), 0) / {limit.forgiving},
                    0
                ) AS failures
            ) AS counted
            WHERE kept.blocked_until <= now()
            UNION ALL
            SELECT kept.failures, kept.counted_at, kept.blocked_until, kept.refused + 1
            WHERE kept.blocked_until > now()
        )
        RETURNING CASE
            WHEN refused > 0 THEN extract(epoch FROM blocked_until - now())::double precision
            ELSE 0
        END AS wait, failures
    """


# What one limit refuses does not count for the other: neither a blocked network for the account,
# nor a blocked account for its neighbours. The account's row always comes before the network's:
# rows that are locked in one order cannot deadlock.
_ATTEMPT = f"""
    WITH blocked AS (
        SELECT extract(epoch FROM blocked_until - now())::double precision AS wait
        FROM attempts
        WHERE key = $2
          AND blocked_until > now()
    ),
    account AS (
        {_count("$1", PER_ACCOUNT, "NOT EXISTS (SELECT FROM blocked)")}
    ),
    network AS (
        {_count("$2", PER_NETWORK, "(SELECT wait FROM account) = 0")}
    )
    SELECT max(wait)
    FROM (
        TABLE blocked
        UNION ALL
        SELECT wait FROM account
        UNION ALL
        SELECT wait FROM network
    ) AS waits
"""


async def count_attempt(connection: Connection, account: bytes, network: bytes) -> float:
    """How many seconds the attempt has to wait; 0 when it passed and was counted."""
    return float(await connection.fetchval(_ATTEMPT, account, network))


async def count_of_account(connection: Connection, account: bytes) -> tuple[float, int]:
    """The same for an attempt limited per account alone, and how many attempts count by now."""
    [row] = await connection.fetch(_count("$1", PER_ACCOUNT, "true"), account)
    return float(row["wait"]), math.ceil(row["failures"])


async def count_of_network(connection: Connection, network: bytes) -> float:
    """How many seconds an attempt has to wait that is limited only per network."""
    [row] = await connection.fetch(_count("$1", PER_NETWORK, "true"), network)
    return float(row["wait"])


async def forget_attempts_of_account(connection: Connection, account: bytes) -> None:
    """Forgets the account's attempts."""
    await connection.execute(
        """
        DELETE FROM attempts
        WHERE key = $1
        """,
        account,
    )


async def forget_attempts(connection: Connection, account: bytes, network: bytes) -> None:
    """Forgets the account's attempts, and of the network's the last one, which succeeded."""
    await connection.execute(
        """
        WITH account AS (
            DELETE FROM attempts
            WHERE key = $1
            RETURNING key
        )
        UPDATE attempts
        SET failures = greatest(failures - 1, 0)
        WHERE key = $2
          AND (SELECT count(*) FROM account) >= 0
        """,
        account,
        network,
    )


async def delete_forgiven(connection: Connection) -> None:
    """Forgets attempts that are long forgiven."""
    await connection.execute(
        """
        DELETE FROM attempts
        WHERE counted_at < now() - interval '1 day'
        """
    )
