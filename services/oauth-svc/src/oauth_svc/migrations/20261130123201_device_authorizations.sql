-- migrate:up

-- Requests of devices, by the digest of their device code.
CREATE TABLE device_authorizations (
    device_digest    bytea PRIMARY KEY,
    -- HMAC of the code that the user types.
    user_digest      bytea NOT NULL,
    client_id        text NOT NULL REFERENCES clients ON DELETE CASCADE,
    scopes           text[] NOT NULL,
    resources        text[] NOT NULL,
    -- From where the device asked.
    address          text NOT NULL,
    user_agent       text NOT NULL,
    interval_seconds integer NOT NULL,
    polled_at        timestamptz,
    -- The page that shows the request, and the session for which it does.
    shown_digest     bytea,
    sid              text,
    -- The user's answer, null before it.
    allowed          boolean,
    grant_id         uuid REFERENCES grants ON DELETE CASCADE,
    used_at          timestamptz,
    created_at       timestamptz NOT NULL DEFAULT now(),
    expires_at       timestamptz NOT NULL,
    CONSTRAINT device_authorizations_user_digest_key UNIQUE (user_digest),
    CONSTRAINT device_authorizations_shown_digest_key UNIQUE (shown_digest)
);
CREATE INDEX device_authorizations_client_id_idx ON device_authorizations (client_id, created_at);
CREATE INDEX device_authorizations_grant_id_idx ON device_authorizations (grant_id);
CREATE INDEX device_authorizations_expires_at_idx ON device_authorizations (expires_at);

-- Wrong user codes, counted per user and per network, by an HMAC of either.
CREATE TABLE device_guesses (
    key      bytea PRIMARY KEY,
    guesses  integer NOT NULL,
    began_at timestamptz NOT NULL
);
CREATE INDEX device_guesses_began_at_idx ON device_guesses (began_at);

-- migrate:down
-- Forward only.
