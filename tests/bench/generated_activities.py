"""Activities of the users of a generated directory, made inside PostgreSQL."""

from datetime import UTC, datetime

from admin_svc.activities.partitions import TABLE
from admin_svc.schema import SCHEMA
from shared.database.partitions import Month, MonthlyPartitions
from shared.database.pool import Database
from tests.support.database import TestDatabase

_MONTHS = 12
_LONG = 3600.0
_UID = """'ID' || upper(lpad(
    to_hex((1 + floor(random() * {0}))::bigint * 1048583 % 1099511627776), 10, '0'
))"""

_ACTIVITIES = """
    INSERT INTO activities (
        id, created_at, category, uid, target_uid, topic, action, result, user_ip, user_agent, data
    )
    SELECT
        gen_random_uuid(),
        now() - {months} * interval '30 days' * power(n::float8 / {number}, 2),
        CASE WHEN n % 100 = 0 THEN 'admin' ELSE 'user' END,
        {uid},
        CASE WHEN n % 100 = 0 THEN {uid} END,
        CASE
            WHEN n % 100 = 0 THEN 'users'
            WHEN n % 20 = 1 THEN 'account'
            WHEN n % 20 = 3 THEN 'otp'
            ELSE 'session'
        END,
        CASE
            WHEN n % 100 = 0 THEN 'update'
            WHEN n % 20 = 1 THEN 'signup'
            WHEN n % 20 = 3 THEN 'enable'
            WHEN n % 50 = 2 THEN 'logout'
            ELSE 'login'
        END,
        CASE WHEN n % 10 = 4 THEN 'failed' ELSE 'succeed' END,
        '198.51.100.7',
        'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
        NULL
    FROM generate_series(1, {number}) AS n
"""
_COUNTS = """
    INSERT INTO daily_counts (day, metric, slot, number)
    SELECT (created_at AT TIME ZONE 'UTC')::date, metric, 0, count(*)
    FROM activities
    JOIN (
        VALUES
            ('account', 'signup', 'succeed', 'signups'),
            ('session', 'login', 'succeed', 'successful_logins'),
            ('session', 'login', 'failed', 'failed_logins')
    ) AS counted (topic, action, result, metric) USING (topic, action, result)
    WHERE category = 'user'
    GROUP BY 1, 2
    ON CONFLICT (day, metric, slot) DO UPDATE
    SET number = daily_counts.number + excluded.number
"""


async def generate_activities(database: TestDatabase, users: int) -> None:
    """As many activities as there are users, of a year, the most of them in its last weeks.

    Indexes are made when the rows are there, which takes less time.
    """
    service = Database(database.dsns["admin"], SCHEMA)
    async with service.opened():
        partitions = MonthlyPartitions(service, TABLE)
        for ago in range(_MONTHS + 1):
            await partitions.make(Month.of(datetime.now(UTC)).plus(-ago))
    async with database.connected() as connection:
        await connection.execute(f"SET search_path = {SCHEMA}")
        await connection.execute("SET maintenance_work_mem = '256MB'")
        indexes = await connection.fetch(
            """
            SELECT indexname, indexdef
            FROM pg_indexes
            WHERE schemaname = $1 AND tablename = 'activities' AND indexname NOT LIKE '%pkey'
            """,
            SCHEMA,
        )
        for index in indexes:
            await connection.execute(f"DROP INDEX {index['indexname']}")
        made = _ACTIVITIES.format(months=_MONTHS, number=users, uid=_UID.format(users))
        for statement in (made, _COUNTS):
            await connection.execute(statement, timeout=_LONG)
        for index in indexes:
            # `ON ONLY` is how PostgreSQL shows an index of a partitioned table.
            await connection.execute(index["indexdef"].replace("ON ONLY", "ON"), timeout=_LONG)
        await connection.execute("VACUUM ANALYZE activities", timeout=_LONG)
