-- migrate:up

-- The session in which a second factor was turned on; NULL where that is not known.
ALTER TABLE second_factors ADD COLUMN enabled_in uuid;

-- Tokens of mails that were used, or void because another of their purpose was; until they expire.
CREATE TABLE used_mail_tokens (
    jti        uuid PRIMARY KEY,
    expires_at timestamptz NOT NULL
);

CREATE INDEX used_mail_tokens_expires_at_idx ON used_mail_tokens (expires_at);

-- Which mails somebody made us send to whom; what the limits per address count.
CREATE TABLE mails_sent (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uid     text NOT NULL REFERENCES users (uid) ON DELETE CASCADE,
    kind    text NOT NULL,
    sent_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX mails_sent_uid_idx ON mails_sent (uid, kind, sent_at);
CREATE INDEX mails_sent_sent_at_idx ON mails_sent (sent_at);

-- migrate:down
-- Forward only.
