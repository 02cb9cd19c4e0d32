-- migrate:up

-- Unlogged: a nonce lives seconds, and no flush of the log has to be waited for. The moment comes
-- first in the key, so that new rows lie side by side, and so do those that are swept.
CREATE UNLOGGED TABLE used_nonces (
    moment  bigint NOT NULL,
    kid     text NOT NULL,
    -- Until when any gateway could accept it, in milliseconds since the epoch, as is the moment.
    ends_at bigint NOT NULL,
    CONSTRAINT used_nonces_pkey PRIMARY KEY (moment, kid)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);

-- When the table above began: a crash of PostgreSQL empties both, and so does a standby's promotion.
CREATE UNLOGGED TABLE used_nonces_since (
    one   boolean NOT NULL DEFAULT true CONSTRAINT used_nonces_since_one_check CHECK (one),
    since timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT used_nonces_since_pkey PRIMARY KEY (one)
);

-- Nothing was used before there was the table.
INSERT INTO used_nonces_since (since) VALUES (to_timestamp(0));

-- migrate:down
-- Forward only.
