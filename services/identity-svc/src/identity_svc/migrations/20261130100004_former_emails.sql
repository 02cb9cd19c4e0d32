-- migrate:up

-- Addresses that users had until a short time ago, and can take back. Nobody else gets one meanwhile.
CREATE TABLE former_emails (
    uid        text NOT NULL REFERENCES users (uid) ON DELETE CASCADE,
    email      text NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE INDEX former_emails_uid_idx ON former_emails (uid);
CREATE INDEX former_emails_email_idx ON former_emails (lower(email));
CREATE INDEX former_emails_expires_at_idx ON former_emails (expires_at);

-- migrate:down
-- Forward only.
