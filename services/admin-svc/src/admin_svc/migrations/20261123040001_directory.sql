-- migrate:up

-- What users have attached to themselves, as resource-svc tells of it: whole sets; the row with the
-- greatest version is the newest. Sets may arrive before their users.
CREATE TABLE attachments (
    uid           text NOT NULL,
    kind          text NOT NULL CONSTRAINT attachments_kind_check
                  CHECK (kind IN ('labels', 'profiles', 'phones', 'documents', 'data_storages')),
    version       bigint NOT NULL,
    records       jsonb NOT NULL,
    -- What its user is found by because of this set: see the same columns of users.
    facets        text[] NOT NULL,
    names         text NOT NULL,
    waiting_since timestamptz,
    CONSTRAINT attachments_pkey PRIMARY KEY (uid, kind)
);

-- Where profiles stand in the list of all profiles.
CREATE TABLE profile_positions (
    id  bigint PRIMARY KEY,
    uid text NOT NULL
);

CREATE INDEX profile_positions_uid_idx ON profile_positions (uid);

-- Users who were erased: whatever else is told of them came too late.
CREATE TABLE erased_users (
    uid       text PRIMARY KEY,
    erased_at timestamptz NOT NULL DEFAULT now()
);

-- How far a rebuild of the directory has come.
CREATE TABLE directory_rebuild (
    singleton  boolean PRIMARY KEY DEFAULT true
        CONSTRAINT directory_rebuild_singleton_check CHECK (singleton),
    last_uid   text NOT NULL,
    users      bigint NOT NULL,
    removed    bigint NOT NULL
);

ALTER TABLE users
    -- country:DE, first_name:ann, last_name:lee, label:email:verified, private:email:verified …
    ADD COLUMN facets        text[] NOT NULL DEFAULT '{}',
    -- All names, in lower case, one a line.
    ADD COLUMN names         text NOT NULL DEFAULT '',
    -- Since when documents wait for a verdict, if they do.
    ADD COLUMN waiting_since timestamptz;

-- Each filter, and each two of role, state and level, have an index that also carries the order of
-- the list. Filters that let most users pass need none: the list is walked in its order.
DROP INDEX users_email_idx;
DROP INDEX users_role_idx;
DROP INDEX users_state_idx;
DROP INDEX users_level_idx;
CREATE INDEX users_email_idx ON users (lower(email), uid);
CREATE INDEX users_role_state_idx ON users (role, state, created_at, uid);
CREATE INDEX users_state_level_idx ON users (state, level, created_at, uid);
CREATE INDEX users_level_role_idx ON users (level, role, created_at, uid);
CREATE INDEX users_waiting_idx ON users (waiting_since, uid) WHERE waiting_since IS NOT NULL;

-- Without lists of pending entries, which every search would read from end to end.
CREATE INDEX users_facets_idx ON users USING gin (facets) WITH (fastupdate = off);

-- pg_trgm is a trusted extension: whoever may create in the database may create it. Where this role
-- may not, a superuser does once; in which schema does not matter, if this role may use that.
DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA admin;
EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported THEN
    RAISE EXCEPTION '%: have a superuser run CREATE EXTENSION pg_trgm SCHEMA admin', SQLERRM;
END
$$;

DO $$
BEGIN
    EXECUTE format(
        'CREATE INDEX users_search_idx ON users
         USING gin ((E''\n'' || lower(email) || E''\n'' || names) %I.gin_trgm_ops) WITH (fastupdate = off)',
        (SELECT nspname
         FROM pg_extension
         JOIN pg_namespace ON pg_namespace.oid = extnamespace
         WHERE extname = 'pg_trgm')
    );
END
$$;

-- Levels and states go together, so that the planner has to be told how many have both.
CREATE STATISTICS users_standing_statistics (mcv) ON role, state, level FROM users;

-- How many users there are of each kind: counting them would take longer than showing a page.
-- `clock` is created or updated, `week` when that was; a user counts under '' and under each country
-- of his profiles.
CREATE TABLE user_counts (
    clock   text NOT NULL,
    country text NOT NULL,
    week    date NOT NULL,
    role    text NOT NULL,
    state   text NOT NULL,
    level   integer NOT NULL,
    waiting boolean NOT NULL,
    users   bigint NOT NULL,
    CONSTRAINT user_counts_pkey
        PRIMARY KEY (clock, country, week, role, state, level, waiting)
);

-- What came to each count and is not yet part of it: who changes users waits for nobody who does the
-- same.
CREATE TABLE user_count_changes (LIKE user_counts);

-- How many users have a label with a value, and how many profiles there are.
CREATE TABLE tallies (
    -- In the order of its bytes, so that an index finds names by how they begin.
    name   text COLLATE "C" PRIMARY KEY,
    number bigint NOT NULL
);

CREATE TABLE tally_changes (LIKE tallies);

-- Where a user counts: by both clocks, under all countries together and under each of his.
CREATE FUNCTION counted_under(facets text[], created_at timestamptz, updated_at timestamptz)
RETURNS TABLE (clock text, country text, week date) LANGUAGE sql IMMUTABLE AS $$
    SELECT clock, country, date_trunc('week', moment AT TIME ZONE 'UTC')::date
    FROM (VALUES ('created', created_at), ('updated', updated_at)) AS clocks (clock, moment),
         (
             SELECT ''
             UNION ALL
             SELECT substr(facet, 9) FROM unnest(facets) AS facet WHERE facet LIKE 'country:%'
         ) AS countries (country)
$$;

-- The counts follow every change of users, whoever makes it. A statement that changes some has rows
-- in `come`, in `gone`, or in both; only these tables of its kind are there.
CREATE FUNCTION count_users() RETURNS trigger LANGUAGE plpgsql AS $$
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
         WHERE facet LIKE ''label:%%'' OR facet LIKE ''private:%%''
         GROUP BY 1
         HAVING sum(change) <> 0',
        changed
    );
    RETURN NULL;
END
$$;

CREATE TRIGGER users_count_insert AFTER INSERT ON users
REFERENCING NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION count_users();

CREATE TRIGGER users_count_update AFTER UPDATE ON users
REFERENCING OLD TABLE AS gone NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION count_users();

CREATE TRIGGER users_count_delete AFTER DELETE ON users
REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION count_users();

INSERT INTO user_counts
SELECT clock, country, week, role, state, level, false, count(*)
FROM users, counted_under(facets, created_at, updated_at)
GROUP BY 1, 2, 3, 4, 5, 6;

CREATE FUNCTION count_profiles() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tally_changes
    SELECT 'profiles', TG_ARGV[0]::integer * count(*)
    FROM changed
    HAVING count(*) > 0;
    RETURN NULL;
END
$$;

CREATE TRIGGER profile_positions_count_insert AFTER INSERT ON profile_positions
REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_profiles(1);

CREATE TRIGGER profile_positions_count_delete AFTER DELETE ON profile_positions
REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_profiles('-1');

-- migrate:down
-- Forward only.
