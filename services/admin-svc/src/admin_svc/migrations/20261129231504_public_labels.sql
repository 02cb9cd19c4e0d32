-- migrate:up

-- Public labels have facets of their own (public:team:blue) and are counted as private ones are.
-- Users who were described before have them after `rebuild-directory --anew`; private labels were
-- told apart before. The facets of any scope (label:…) are kept for releases before this one.
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
    RETURN NULL;
END
$$;

-- migrate:down
-- Forward only.
