-- migrate:up

-- How much happened in each hour. `waiting` is by how many the users who wait for a verdict became
-- more or fewer: how many waited at an earlier time is how many wait now, without what changed since.
CREATE TABLE hourly_counts (
    hour   timestamptz NOT NULL,
    metric text NOT NULL,
    number bigint NOT NULL,
    CONSTRAINT hourly_counts_pkey PRIMARY KEY (hour, metric)
);

-- What came to each count and is not yet part of it: whoever counts waits for nobody.
CREATE TABLE hourly_count_changes (LIKE hourly_counts);

-- What an activity counts as; NULL for one that is not counted.
CREATE FUNCTION counted_as(category text, topic text, action text, result text)
RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN result = 'denied' THEN 'denied_calls'
        WHEN category <> 'user' THEN NULL
        WHEN (topic, action, result) = ('account', 'signup', 'succeed') THEN 'signups'
        WHEN topic = 'session' AND action IN ('login', 'login::2fa') THEN
            CASE result WHEN 'succeed' THEN 'successful_logins' WHEN 'failed' THEN 'failed_logins' END
    END
$$;

-- A trigger, since activities that came before are not inserted, and are then not counted again; and
-- since what processes of earlier releases store during an upgrade counts as well.
CREATE FUNCTION count_activities() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO hourly_count_changes (hour, metric, number)
    SELECT date_trunc('hour', created_at, 'UTC'), counted_as(category, topic, action, result), count(*)
    FROM come
    WHERE counted_as(category, topic, action, result) IS NOT NULL
    GROUP BY 1, 2;
    RETURN NULL;
END
$$;

CREATE TRIGGER activities_count_insert AFTER INSERT ON activities
REFERENCING NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION count_activities();

-- Up to here nothing was counted; the next migration does so, and locks nobody out. The trigger's lock
-- has waited for all who stored activities, and keeps others waiting.
CREATE TABLE uncounted_activities AS
SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS last_number FROM activities_number_seq;

-- How many waited is known from here on.
INSERT INTO hourly_counts (hour, metric, number)
VALUES (date_trunc('hour', now(), 'UTC'), 'waiting', 0);

CREATE OR REPLACE FUNCTION count_users() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed text := concat_ws(
        ' UNION ALL ',
        CASE WHEN TG_OP <> 'DELETE' THEN 'SELECT *, 1 AS change FROM come' END,
        CASE WHEN TG_OP <> 'INSERT' THEN 'SELECT *, -1 AS change FROM gone' END
    );
BEGIN
    EXECUTE format(
        'INSERT INTO user_count_changes
         SELECT clock, country, week, role, state, level, waiting_since IS NOT NULL, sum(change)
         FROM (%s) AS changed, counted_under(facets, created_at, updated_at)
         GROUP BY 1, 2, 3, 4, 5, 6, 7
         HAVING sum(change) <> 0',
        changed
    );
    EXECUTE format(
        'INSERT INTO tally_changes
         SELECT facet, sum(change)
         FROM (%s) AS changed, unnest(facets) AS facet
         WHERE facet LIKE ''label:%%'' OR facet LIKE ''private:%%'' OR facet LIKE ''public:%%''
         GROUP BY 1
         HAVING sum(change) <> 0',
        changed
    );
    EXECUTE format(
        'INSERT INTO hourly_count_changes
         SELECT date_trunc(''hour'', now(), ''UTC''), ''waiting'', sum(change)
         FROM (%s) AS changed
         WHERE waiting_since IS NOT NULL
         HAVING sum(change) <> 0',
        changed
    );
    RETURN NULL;
END
$$;

-- migrate:down
-- Forward only.
