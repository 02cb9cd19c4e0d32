-- migrate:up

-- Where the public keys of a client are, if `jwks` has them not.
ALTER TABLE clients ADD COLUMN jwks_uri text;

-- migrate:down
-- Forward only.
