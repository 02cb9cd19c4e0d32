-- migrate:up

-- The code that was sent last is kept as a keyed hash, with its end and the attempts made at it.
CREATE TABLE phones (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uid             text NOT NULL,
    number          text NOT NULL CONSTRAINT phones_number_check CHECK (number ~ '^[0-9]{5,15}$'),
    country         text NOT NULL,
    validated_at    timestamptz,
    code_digest     bytea,
    code_expires_at timestamptz,
    attempts        integer NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT phones_uid_number_key UNIQUE (uid, number)
);

-- Many may claim a number, one may have proven it.
CREATE UNIQUE INDEX phones_verified_number_key ON phones (number) WHERE validated_at IS NOT NULL;

-- What the limits count; nothing in it is older than a day.
CREATE TABLE phone_sends (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uid     text NOT NULL,
    number  text NOT NULL,
    sent_at timestamptz NOT NULL
);

CREATE INDEX phone_sends_number_idx ON phone_sends (number, sent_at);
CREATE INDEX phone_sends_uid_idx ON phone_sends (uid, sent_at);
CREATE INDEX phone_sends_sent_at_idx ON phone_sends (sent_at);

-- migrate:down
-- Forward only.
