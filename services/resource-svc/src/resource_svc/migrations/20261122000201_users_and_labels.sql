-- migrate:up

-- Identity's users, as its events and answers last told of them.
CREATE TABLE users (
    uid          text PRIMARY KEY,
    email        text NOT NULL,
    role         text NOT NULL,
    level        integer NOT NULL,
    otp          boolean NOT NULL,
    state        text NOT NULL,
    referral_uid text,
    data         text,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    version      bigint NOT NULL
);

-- One row for the labels of a user: its lock serialises their changes, its version counts them.
CREATE TABLE label_sets (
    uid     text PRIMARY KEY,
    version bigint NOT NULL
);

CREATE TABLE labels (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uid         text NOT NULL CONSTRAINT labels_uid_fkey REFERENCES label_sets (uid),
    scope       text NOT NULL CONSTRAINT labels_scope_check CHECK (scope IN ('public', 'private')),
    key         text NOT NULL,
    value       text NOT NULL,
    description text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT labels_uid_scope_key_key UNIQUE (uid, scope, key)
);

-- migrate:down
-- Forward only.
