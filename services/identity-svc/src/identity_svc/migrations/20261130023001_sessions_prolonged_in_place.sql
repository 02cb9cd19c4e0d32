-- migrate:up

-- A session's end moves while it is used. An index on it would make each move write all indexes of
-- the row; without one, PostgreSQL writes the row alone, beside its last version (a HOT update).
-- Only the sweep of ended sessions went by it, which reads the table every ten minutes instead.
DROP INDEX sessions_expires_at_idx;

-- Room for the next version of a row on its own page.
ALTER TABLE sessions SET (fillfactor = 80);

-- migrate:down
-- Forward only.
