-- migrate:up

-- Keys whose owners keep the private key to themselves have a public key instead of a secret.
ALTER TABLE api_keys
    ALTER COLUMN secret DROP NOT NULL,
    ADD COLUMN public_key bytea
        CONSTRAINT api_keys_public_key_check CHECK (length(public_key) = 32),
    ADD CONSTRAINT api_keys_secret_or_public_key_check
        CHECK ((secret IS NULL) <> (public_key IS NULL));

-- Keys that signed whole calls in a scheme of our own sign HTTP messages from now on (RFC 9421).
UPDATE api_keys
SET algorithm = 'hmac-sha256'
WHERE algorithm = 'HS256-STRICT';

-- Nonces of message signatures, which are texts. Unlogged as `used_nonces` is: a crash of PostgreSQL
-- empties all three tables, and `used_nonces_since` tells so for both.
CREATE UNLOGGED TABLE used_message_nonces (
    kid     text NOT NULL,
    nonce   text NOT NULL,
    -- Until when any gateway could accept it, in milliseconds since the epoch.
    ends_at bigint NOT NULL,
    CONSTRAINT used_message_nonces_pkey PRIMARY KEY (kid, nonce)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);

CREATE INDEX used_message_nonces_ends_at_idx ON used_message_nonces (ends_at);

-- migrate:down
-- Forward only.
