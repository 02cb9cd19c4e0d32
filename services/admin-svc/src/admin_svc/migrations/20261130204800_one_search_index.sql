-- migrate:up

-- One index for facets and texts: where a search has both, it reads only the users that have both, and
-- makes no set of all users that have one. Whoever has many users makes it before, without a lock.
DO $$
BEGIN
    EXECUTE format(
        'CREATE INDEX IF NOT EXISTS users_facets_search_idx ON users
         USING gin (facets, (E''\n'' || lower(email) || E''\n'' || names) %I.gin_trgm_ops) WITH (fastupdate = off)',
        (SELECT nspname
         FROM pg_extension
         JOIN pg_namespace ON pg_namespace.oid = extnamespace
         WHERE extname = 'pg_trgm')
    );
END
$$;

-- One that could not be made concurrently is there and finds nobody.
DO $$
BEGIN
    IF NOT (SELECT indisvalid FROM pg_index WHERE indexrelid = 'users_facets_search_idx'::regclass) THEN
        RAISE EXCEPTION 'users_facets_search_idx is not valid: drop it, and make it again';
    END IF;
END
$$;

DROP INDEX users_facets_idx;
DROP INDEX users_search_idx;

-- migrate:down
-- Forward only.
