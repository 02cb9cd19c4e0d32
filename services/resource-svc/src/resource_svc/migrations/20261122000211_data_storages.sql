-- migrate:up

-- One row for the data storages of a user: its lock serialises changes, its version counts them.
CREATE TABLE data_storage_sets (
    uid     text PRIMARY KEY,
    version bigint NOT NULL
);

CREATE TABLE data_storages (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uid        text NOT NULL CONSTRAINT data_storages_uid_fkey REFERENCES data_storage_sets (uid),
    title      text NOT NULL,
    data       text NOT NULL,
    version    bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT data_storages_uid_title_key UNIQUE (uid, title)
);

-- migrate:down
-- Forward only.
