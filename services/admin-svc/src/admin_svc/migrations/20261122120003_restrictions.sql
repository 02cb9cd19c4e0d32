-- migrate:up

CREATE TABLE restrictions (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    category   text NOT NULL,
    scope      text NOT NULL,
    value      text NOT NULL,
    state      text NOT NULL,
    code       integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT restrictions_category_check
        CHECK (category IN ('whitelist', 'maintenance', 'blacklist')),
    CONSTRAINT restrictions_scope_check
        CHECK (scope IN ('all', 'ip', 'ip_subnet', 'continent', 'country')),
    CONSTRAINT restrictions_state_check CHECK (state IN ('enabled', 'disabled')),
    CONSTRAINT restrictions_code_check CHECK (code BETWEEN 400 AND 599)
);

-- Names and codes of places match in any case.
CREATE UNIQUE INDEX restrictions_value_key ON restrictions (category, scope, lower(value));

-- Tokens are kept as their SHA-256 only.
CREATE TABLE whitelinks (
    digest     bytea PRIMARY KEY,
    expires_at timestamptz NOT NULL
);

CREATE INDEX whitelinks_expires_at_idx ON whitelinks (expires_at);

-- migrate:down
-- Forward only.
