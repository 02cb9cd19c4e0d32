-- migrate:up

-- Attempts at secrets, by a keyed hash of what they are limited by. Unlogged: written at every log-in
-- and worth nothing after a crash, when the counting starts anew.
CREATE UNLOGGED TABLE attempts (
    key           bytea PRIMARY KEY,
    -- Attempts that were let through and not forgiven yet, as of `counted_at`.
    failures      double precision NOT NULL,
    counted_at    timestamptz NOT NULL,
    blocked_until timestamptz NOT NULL,
    -- Attempts that were refused since the last one that was let through.
    refused       bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 70);

-- migrate:down
-- Forward only.
