"""A directory of many users, made inside PostgreSQL as three busy years would have made it."""

from datetime import timedelta

from admin_svc.schema import SCHEMA
from tests.support.database import TestDatabase

_SECONDS_OF_THREE_YEARS = timedelta(days=3 * 365).total_seconds()

_SHARES = """
    SELECT
        n,
        'ID' || upper(lpad(to_hex(n * 1048583 % 1099511627776), 10, '0')) AS uid,
        random() AS of_roles,
        random() AS of_states,
        random() < 0.02 AS waits,
        random() < 0.7 AS has_profile,
        floor(2000 * power(random(), 3))::integer AS first_number,
        floor(50000 * power(random(), 2))::integer AS last_number,
        floor(2000 * power(random(), 3))::integer AS domain_number,
        random() AS of_addresses,
        (ARRAY['DE','FR','UA','GB','US','NL','PL','ES','IT','TR','BR','IN','VN','NG','JP','KR',
               'CA','AU','CH','SE'])[1 + floor(20 * power(random(), 2.5))] AS country,
        now() - ($1 - n) * $2 / $1 * interval '1 second' AS created_at,
        now() - ($1 - n) * $2 / $1 * power(random(), 4) * interval '1 second' AS updated_at
    FROM generate_series(1, $1::bigint) AS n
"""

_SYLLABLES = [
    *("ka", "mi", "ro", "sen", "la", "vo", "ti", "an", "der", "bel", "na", "ri"),
    *("so", "lu", "ja", "mar", "ko", "ne", "va", "di", "pe", "ta", "re", "li"),
    *("mo", "sa", "el", "ha", "nor", "bi", "fe", "gu", "le", "ma", "ni", "ol"),
    *("pa", "qui", "ru", "si", "to", "ul", "ve", "wi", "xa", "ya", "zo", "ben"),
    *("cor", "dan", "far", "gil", "hol", "jen", "kar", "lin", "mon", "pol", "ral", "sto"),
]


def _name(number: str, syllables: int) -> str:
    """SQL for a name that is the same for the same number, and different for another one."""
    array = f"(ARRAY{_SYLLABLES})"
    parts = (
        f"{array}[1 + {number} * 7919 / {len(_SYLLABLES) ** place} % {len(_SYLLABLES)}]"
        for place in range(syllables)
    )
    return f"initcap({' || '.join(parts)})"


_PEOPLE = f"""
    CREATE UNLOGGED TABLE people AS
    SELECT
        *,
        CASE
            WHEN of_roles < 0.0001 THEN 'admin'
            WHEN of_roles < 0.002 THEN 'support'
            WHEN of_roles < 0.01 THEN 'broker'
            WHEN of_roles < 0.03 THEN 'trader'
            ELSE 'member'
        END AS role,
        CASE
            WHEN of_states < 0.15 THEN 'pending'
            WHEN of_states < 0.17 THEN 'banned'
            WHEN of_states < 0.18 THEN 'locked'
            WHEN of_states < 0.20 THEN 'deleted'
            ELSE 'active'
        END AS state,
        CASE
            WHEN of_states < 0.15 THEN 0
            WHEN of_states < 0.6 THEN 1
            WHEN of_states < 0.8 THEN 2
            ELSE 3
        END AS level,
        {_name("first_number", 2)} AS first_name,
        {_name("last_number", 3)} AS last_name,
        CASE
            WHEN domain_number < 8
            THEN (ARRAY['gmail', 'yahoo', 'outlook', 'hotmail', 'icloud', 'proton', 'web', 'mail'])
                 [domain_number + 1] || '.com'
            ELSE {_name("domain_number", 3)} || '.example'
        END AS domain
    FROM ({_SHARES}) AS shares
"""

_LABEL = """
    jsonb_build_object(
        'id', n, 'uid', uid, 'scope', 'private', 'key', '{0}', 'value', '{1}', 'description', NULL,
        'created_at', created_at, 'updated_at', updated_at
    )
"""
_LABELS = f"""
    INSERT INTO attachments (uid, kind, version, records, facets, names, waiting_since)
    SELECT
        uid, 'labels', 1,
        jsonb_build_array({_LABEL.format("email", "verified")})
            || CASE WHEN level > 1 THEN {_LABEL.format("phone", "verified")} ELSE '[]' END
            || CASE WHEN waits THEN {_LABEL.format("document", "pending")} ELSE '[]' END,
        ARRAY['label:email:verified', 'private:email:verified']
            || CASE WHEN level > 1 THEN ARRAY['label:phone:verified', 'private:phone:verified'] END
            || CASE WHEN waits THEN ARRAY['label:document:pending', 'private:document:pending'] END,
        '',
        CASE WHEN waits THEN updated_at END
    FROM people
    WHERE level > 0 OR waits
"""
_PROFILES = """
    INSERT INTO attachments (uid, kind, version, records, facets, names)
    SELECT
        uid, 'profiles', 1,
        jsonb_build_array(jsonb_build_object(
            'id', n, 'uid', uid, 'state', 'submitted', 'first_name', first_name,
            'last_name', last_name, 'dob', '1990-01-31', 'address', '1 High St.',
            'postcode', 'AB-1 2CD', 'city', 'Kyiv', 'country', country, 'metadata', NULL,
            'version', 1, 'created_at', created_at, 'updated_at', updated_at
        )),
        ARRAY['country:' || country, 'first_name:' || lower(first_name),
              'last_name:' || lower(last_name)],
        lower(first_name || ' ' || last_name || E'\\n' || last_name)
    FROM people
    WHERE has_profile
"""
_POSITIONS = """
    INSERT INTO profile_positions (id, uid)
    SELECT n, uid
    FROM people
    WHERE has_profile
"""
_USERS = """
    INSERT INTO users (
        uid, version, email, role, level, otp, state, created_at, updated_at, facets, names,
        waiting_since
    )
    SELECT
        people.uid, 1,
        lower(CASE
            WHEN of_addresses < 0.3 THEN first_name || '.' || last_name || people.n % 10000
            WHEN of_addresses < 0.6 THEN left(first_name, 1) || last_name || people.n % 10000
            ELSE last_name || '_' || people.n % 10000
        END || '@' || domain),
        role, level, level > 2, state, created_at, updated_at,
        coalesce(labels.facets, '{}') || coalesce(profiles.facets, '{}'),
        coalesce(profiles.names, ''),
        labels.waiting_since
    FROM people
    LEFT JOIN attachments AS labels ON labels.uid = people.uid AND labels.kind = 'labels'
    LEFT JOIN attachments AS profiles ON profiles.uid = people.uid AND profiles.kind = 'profiles'
    ORDER BY people.n
"""
_LONG = 3600.0


async def generate(database: TestDatabase, users: int) -> None:
    """Fills the empty directory of admin-svc; the triggers count as they always do.

    Indexes are made when the rows are there, which takes a tenth of the time.
    """
    async with database.connected() as connection:
        await connection.execute(f"SET search_path = {SCHEMA}")
        await connection.execute("SET maintenance_work_mem = '1GB'")
        await connection.execute("SET work_mem = '256MB'")
        await connection.execute("SET synchronous_commit = off")
        people = _PEOPLE.replace("$1", str(users)).replace("$2", str(_SECONDS_OF_THREE_YEARS))
        await connection.execute(people, timeout=_LONG)
        indexes = await connection.fetch(
            """
            SELECT indexname, indexdef
            FROM pg_indexes
            WHERE schemaname = $1 AND tablename IN ('users', 'profile_positions')
              AND indexname NOT LIKE '%pkey'
            """,
            SCHEMA,
        )
        for index in indexes:
            await connection.execute(f"DROP INDEX {index['indexname']}")
        for statement in (_LABELS, _PROFILES, _POSITIONS, "ANALYZE attachments", _USERS):
            await connection.execute(statement, timeout=_LONG)
        for index in indexes:
            await connection.execute(index["indexdef"], timeout=_LONG)
        await connection.execute("DROP TABLE people")
        for table in ("users", "attachments", "profile_positions", "user_count_changes"):
            await connection.execute(f"VACUUM ANALYZE {table}", timeout=_LONG)
