-- migrate:up

CREATE TABLE users (
    id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uid                text NOT NULL CONSTRAINT users_uid_key UNIQUE,
    email              text NOT NULL,
    password_digest    text NOT NULL,
    role               text NOT NULL,
    level              integer NOT NULL,
    otp                boolean NOT NULL DEFAULT false,
    state              text NOT NULL,
    referral_uid       text,
    data               text,
    -- What resource-svc last told of his private labels: key to value, and the version of the set.
    private_labels     jsonb NOT NULL DEFAULT '{}',
    labels_version     bigint NOT NULL DEFAULT 0,
    email_confirmed_at timestamptz,
    version            bigint NOT NULL DEFAULT 1,
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now()
);

-- E-mails are unique and looked up regardless of case.
CREATE UNIQUE INDEX users_email_key ON users (lower(email));

-- Tokens sent by e-mail, until they are used; of each purpose a user's latest.
CREATE TABLE mail_tokens (
    jti        uuid PRIMARY KEY,
    uid        text NOT NULL REFERENCES users (uid) ON DELETE CASCADE,
    purpose    text NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE INDEX mail_tokens_uid_idx ON mail_tokens (uid, purpose);
CREATE INDEX mail_tokens_expires_at_idx ON mail_tokens (expires_at);

CREATE TABLE sessions (
    sid                 uuid PRIMARY KEY,
    -- SHA-256 of the cookie and of the CSRF token, in hex: neither lies here itself.
    key                 text NOT NULL CONSTRAINT sessions_key_key UNIQUE,
    csrf_digest         text NOT NULL,
    uid                 text NOT NULL REFERENCES users (uid) ON DELETE CASCADE,
    user_agent          text NOT NULL,
    address             inet NOT NULL,
    network             cidr NOT NULL,
    created_at          timestamptz NOT NULL DEFAULT now(),
    expires_at          timestamptz NOT NULL,
    absolute_expires_at timestamptz NOT NULL
);

CREATE INDEX sessions_uid_idx ON sessions (uid);
CREATE INDEX sessions_expires_at_idx ON sessions (expires_at);

CREATE TABLE signing_keys (
    kid         text PRIMARY KEY,
    -- PKCS #8, sealed under the master keys.
    private_key bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);

-- migrate:down
-- Forward only.
