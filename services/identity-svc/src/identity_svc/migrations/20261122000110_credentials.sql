-- migrate:up

-- Grows with every new password, not with a new digest of the same one.
ALTER TABLE users ADD COLUMN password_version bigint NOT NULL DEFAULT 1;

-- The costs of imported bcrypt digests: a failed log-in takes as long as the slowest of them.
CREATE INDEX users_bcrypt_cost_idx ON users (substr(password_digest, 5, 2))
WHERE password_digest ~ '^\$2[aby]\$\d\d\$';

CREATE TABLE second_factors (
    uid        text PRIMARY KEY REFERENCES users (uid) ON DELETE CASCADE,
    -- Base32, sealed under the master keys.
    secret     bytea NOT NULL,
    enabled    boolean NOT NULL DEFAULT false,
    -- The time step of the last code that was accepted: each is accepted once.
    last_step  bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- migrate:down
-- Forward only.
