-- migrate:up

-- Accounts at other OpenID providers that log a user in.
CREATE TABLE linked_accounts (
    id         uuid PRIMARY KEY,
    uid        text NOT NULL REFERENCES users (uid) ON DELETE CASCADE,
    -- Both together name an account at a provider (OpenID Connect Core 1.0, 5.7).
    issuer     text NOT NULL,
    subject    text NOT NULL,
    -- What the provider said when it was linked, for its user to recognize it.
    email      text,
    -- The session in which it was linked; NULL where a log-in linked it.
    added_in   uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    used_at    timestamptz,
    CONSTRAINT linked_accounts_issuer_subject_key UNIQUE (issuer, subject)
);

CREATE INDEX linked_accounts_uid_idx ON linked_accounts (uid);

-- Log-ins that are under way at another provider. Unlogged: they live for minutes, and after a crash
-- the user begins anew.
CREATE UNLOGGED TABLE provider_log_ins (
    -- SHA-256 of the state with which the browser comes back.
    state          bytea PRIMARY KEY,
    -- For a log-in: SHA-256 of the cookie of the browser. For a link: whose it will be, and in which
    -- session.
    browser        bytea,
    uid            text REFERENCES users (uid) ON DELETE CASCADE,
    sid            uuid,
    provider       text NOT NULL,
    issuer         text NOT NULL,
    -- Of which the nonce and the verifier of PKCE are made; encrypted.
    secret         bytea NOT NULL,
    -- Whether the code of the provider was, or is being, redeemed.
    taken          boolean NOT NULL DEFAULT false,
    -- Whom the provider logged in; NULL until its code is redeemed.
    subject        text,
    email          text,
    email_verified boolean NOT NULL DEFAULT false,
    created_at     timestamptz NOT NULL DEFAULT now(),
    expires_at     timestamptz NOT NULL,
    CONSTRAINT provider_log_ins_owner_check CHECK (
        (browser IS NULL) = (uid IS NOT NULL AND sid IS NOT NULL)
    )
);

CREATE INDEX provider_log_ins_browser_idx ON provider_log_ins (browser);
CREATE INDEX provider_log_ins_uid_idx ON provider_log_ins (uid);
CREATE INDEX provider_log_ins_expires_at_idx ON provider_log_ins (expires_at);

-- migrate:down
-- Forward only.
