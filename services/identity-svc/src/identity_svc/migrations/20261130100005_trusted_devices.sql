-- migrate:up

-- Browsers in which a user gave a code of their second factor, and that are asked for none meanwhile.
CREATE TABLE trusted_devices (
    id         uuid PRIMARY KEY,
    uid        text NOT NULL REFERENCES users (uid) ON DELETE CASCADE,
    -- SHA-256 of the cookie.
    digest     bytea NOT NULL CONSTRAINT trusted_devices_digest_key UNIQUE,
    user_agent text NOT NULL,
    address    inet NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    used_at    timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);

CREATE INDEX trusted_devices_uid_idx ON trusted_devices (uid);
CREATE INDEX trusted_devices_expires_at_idx ON trusted_devices (expires_at);

-- migrate:down
-- Forward only.
