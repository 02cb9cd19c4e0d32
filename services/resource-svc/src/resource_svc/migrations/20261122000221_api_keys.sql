-- migrate:up

CREATE TABLE api_keys (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kid        text NOT NULL CONSTRAINT api_keys_kid_key UNIQUE,
    uid        text NOT NULL CONSTRAINT api_keys_uid_fkey REFERENCES users (uid),
    algorithm  text NOT NULL,
    scope      text[] NOT NULL,
    state      text NOT NULL CONSTRAINT api_keys_state_check
               CHECK (state IN ('active', 'inactive', 'disabled')),
    -- Sealed under BARONG_MASTER_KEYS and bound to the kid.
    secret     bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX api_keys_uid_idx ON api_keys (uid);

-- migrate:down
-- Forward only.
