-- migrate:up

-- A key is published when it is made (created_at), may sign from active_at on, and is needed for
-- as long after used_at as something that it signed may still be wanted.
ALTER TABLE signing_keys
    -- The operator's own key is here only so that every instance publishes it: its public half.
    ALTER COLUMN private_key DROP NOT NULL,
    ADD COLUMN public_key bytea,
    ADD COLUMN active_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN used_at timestamptz,
    ADD CONSTRAINT signing_keys_one_half_check CHECK (num_nonnulls(private_key, public_key) = 1);

UPDATE signing_keys SET active_at = created_at;

-- migrate:down
-- Forward only.
