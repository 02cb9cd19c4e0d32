-- migrate:up

-- Codes that a user may give in place of one of their authenticator; each is deleted when it is used.
CREATE TABLE recovery_codes (
    uid        text NOT NULL REFERENCES users (uid) ON DELETE CASCADE,
    -- SHA-256 of uid and code. A code has 80 random bits: no table of digests helps.
    digest     bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (uid, digest)
);

-- migrate:down
-- Forward only.
