-- migrate:up

-- When all API keys of a user ended last because the address was proven or the password reset:
-- what was allowed before makes no key work any more.
ALTER TABLE users ADD COLUMN api_keys_ended_at timestamptz;

-- migrate:down
-- Forward only.
