-- migrate:up

-- What `import-users` has read and not yet taken over; empty but while it runs, so unlogged.
CREATE UNLOGGED TABLE import_users (
    line            bigint PRIMARY KEY,
    id              bigint,
    uid             text NOT NULL,
    email           text NOT NULL,
    password_digest text NOT NULL,
    role            text NOT NULL,
    level           integer NOT NULL,
    state           text NOT NULL,
    otp             boolean NOT NULL,
    data            text,
    referral_id     bigint,
    referral_uid    text,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL
);

CREATE INDEX import_users_id_idx ON import_users (id);
CREATE INDEX import_users_uid_idx ON import_users (uid);
CREATE INDEX import_users_email_idx ON import_users (lower(email));

CREATE UNLOGGED TABLE import_labels (
    line        bigint PRIMARY KEY,
    user_id     bigint,
    uid         text,
    scope       text NOT NULL,
    key         text NOT NULL,
    value       text NOT NULL,
    description text,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL
);

CREATE INDEX import_labels_user_id_idx ON import_labels (user_id);
CREATE INDEX import_labels_uid_idx ON import_labels (uid);

CREATE UNLOGGED TABLE import_remarks (
    report  text NOT NULL,
    line    bigint NOT NULL,
    user_id bigint,
    uid     text,
    reasons text[] NOT NULL
);

CREATE INDEX import_remarks_user_id_idx ON import_remarks (user_id);
CREATE INDEX import_remarks_uid_idx ON import_remarks (uid);

-- migrate:down
-- Forward only.
