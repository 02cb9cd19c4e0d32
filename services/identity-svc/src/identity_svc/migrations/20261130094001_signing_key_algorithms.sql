-- migrate:up

-- Events may be signed with ES256; tokens are always signed with RS256.
ALTER TABLE signing_keys
    ADD COLUMN algorithm text NOT NULL DEFAULT 'RS256' CHECK (algorithm IN ('RS256', 'ES256'));

-- migrate:down
-- Forward only.
