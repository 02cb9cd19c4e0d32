-- migrate:up

-- One row for the profiles of a user: its lock serialises their changes, its version counts them.
CREATE TABLE profile_sets (
    uid     text PRIMARY KEY,
    version bigint NOT NULL
);

CREATE TABLE profiles (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uid        text NOT NULL CONSTRAINT profiles_uid_fkey REFERENCES profile_sets (uid),
    state      text NOT NULL CONSTRAINT profiles_state_check
               CHECK (state IN ('drafted', 'submitted', 'verified', 'rejected')),
    first_name text,
    last_name  text,
    dob        date,
    address    text,
    postcode   text,
    city       text,
    country    text,
    metadata   text,
    version    bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX profiles_uid_idx ON profiles (uid);

-- A user has one profile that still waits for a verdict.
CREATE UNIQUE INDEX profiles_open_key ON profiles (uid) WHERE state IN ('drafted', 'submitted');

-- migrate:down
-- Forward only.
