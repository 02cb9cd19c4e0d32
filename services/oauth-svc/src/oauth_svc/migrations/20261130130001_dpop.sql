-- migrate:up

-- Whether all tokens of the client have to be bound to a key.
ALTER TABLE clients ADD COLUMN dpop_bound_access_tokens boolean NOT NULL DEFAULT false;

-- Thumbprints of the keys to which codes and refresh tokens are bound.
ALTER TABLE codes ADD COLUMN jkt text;
ALTER TABLE refresh_tokens ADD COLUMN jkt text;

-- Proofs that were used, by a digest of key and id: each is accepted once.
CREATE TABLE dpop_proofs (
    identity   bytea PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
CREATE INDEX dpop_proofs_expires_at_idx ON dpop_proofs (expires_at);

-- migrate:down
-- Forward only.
