-- migrate:up

-- Public keys of authenticators (WebAuthn Level 3). The private halves never leave the user.
CREATE TABLE passkeys (
    id              uuid PRIMARY KEY,
    uid             text NOT NULL REFERENCES users (uid) ON DELETE CASCADE,
    credential_id   bytea NOT NULL CONSTRAINT passkeys_credential_id_key UNIQUE,
    -- COSE (RFC 9052).
    public_key      bytea NOT NULL,
    -- Grows with each use; 0 at authenticators that do not count.
    sign_count      bigint NOT NULL,
    aaguid          uuid NOT NULL,
    transports      text[] NOT NULL,
    backup_eligible boolean NOT NULL,
    backed_up       boolean NOT NULL,
    name            text NOT NULL,
    -- The session in which it was added.
    added_in        uuid NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    used_at         timestamptz
);

CREATE INDEX passkeys_uid_idx ON passkeys (uid);

-- Challenges that were handed out and not answered yet. Each is deleted by its first answer. Unlogged:
-- they live for minutes, and after a crash the user begins anew.
CREATE UNLOGGED TABLE passkey_challenges (
    -- SHA-256 of the challenge.
    digest     bytea PRIMARY KEY,
    purpose    text NOT NULL,
    -- For whom, and in which session; NULL for a log-in.
    uid        text,
    sid        uuid,
    expires_at timestamptz NOT NULL
);

CREATE INDEX passkey_challenges_expires_at_idx ON passkey_challenges (expires_at);

-- migrate:down
-- Forward only.
