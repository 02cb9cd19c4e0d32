-- migrate:up

-- The newest challenges of a client are kept.
CREATE INDEX challenges_client_id_idx ON challenges (client_id, created_at);

-- Refresh tokens are deleted when they have expired, before their grant is.
CREATE INDEX refresh_tokens_expires_at_idx ON refresh_tokens (expires_at);

-- migrate:down
-- Forward only.
